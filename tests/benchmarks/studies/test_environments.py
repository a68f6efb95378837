"""The study of environments: on the paper's data, on tables made by hand, and run."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import perjoule
from perjoule.benchmarks.studies.environments import study
from perjoule.benchmarks.studies.environments.here import (
    cpu_cap_w,
    environments_here,
    gpu_cap_w,
    threads_of_torch,
)
from perjoule.benchmarks.studies.environments.study import STUDY, vgg16
from perjoule.benchmarks.studies.wording import in_words
from perjoule.models.operations import forward_operations

MAP = (
    "strategy=architecture,environment=training environment,seed=run,energy_j=energy (MJ)*1e6,"
    "score=accuracy,flops=GFLOPs*1e9,images=total seen images,epochs=trained epochs,"
    "duration_s=training duration (h)*3600"
)
SERVER, DESKTOP = "Cloud", "Local ML Engineer/Gamer"


def exhibit(findings, name):
    return next(each for each in findings.exhibits if each.name == name)


def test_the_papers_own_data_give_its_figures(recorded, tmp_path):
    path = recorded / "delrey-seaa2023" / "dl-training-energy-consumption-dataset.csv"
    found = perjoule.study("environments", source=path, mapping=MAP, out=tmp_path / "s").findings
    saving, bigger, per_flop, interaction, projected = found.claims
    assert [each.holds for each in found.claims] == [True, True, True, True, None]
    assert (saving.ours.low, saving.ours.high) == pytest.approx((0.64, 0.81), abs=0.02)
    assert bigger.ours.value == pytest.approx(1.8, abs=0.05)
    assert (per_flop.ours.low, per_flop.ours.high) == pytest.approx((29, 56), rel=0.04)
    assert interaction.ours.value > 0.5
    assert "learning curve" in projected.why
    tests = {row[0]: row for row in exhibit(found, "tests").rows}
    # Of the paper's five models on the server; k is stated, and the effect is large.
    assert tests[f"models on {SERVER}"][1].endswith("k = 5, n = 150")
    assert tests[f"models on {SERVER}"][3].value > 0.8
    suits = {row[0]: row[1] for row in exhibit(found, "suits").rows}
    assert (suits["mobilenet_v2"], suits["vgg16"]) == (DESKTOP, SERVER)


def made_by_hand(*, models=("mobilenet_v2", "vgg16"), places=("small", "big"), runs=5, **columns):
    """VGG16 at 2 J per image, and 1.5 J on the big machine; MobileNetV2 at 0.5 J, and 1 J there."""
    cost = {("vgg16", "small"): 2.0, ("vgg16", "big"): 1.5, ("mobilenet_v2", "small"): 0.5}
    rows = [
        {
            "strategy": model,
            "seed": seed,
            "environment": place,
            "energy_j": 100 * cost.get((model, place), 1.0) * (1 + 0.01 * seed),
            "duration_s": 10.0 if place == "small" else 5.0,
            "flops": 1000 if model == "vgg16" else 100,
            "images": 100,
            "score": 0.9,
        }
        for place in places
        for model in models
        for seed in range(runs)
    ]
    return pd.DataFrame(rows).assign(**columns)


def analysed(frame, **changes):
    table = perjoule.load_table(frame, by="environment" if "environment" in frame else "none")
    return STUDY.analyse(replace(table, **changes))


def test_claims_are_ratios_within_repetitions():
    found = analysed(made_by_hand())
    saving, bigger, per_flop, interaction, _ = found.claims
    assert in_words(saving.ours) == "33.3 to 75.0 % (2 environments)"
    assert saving.holds is False
    assert "33.3 % [33.3, 33.3 %] on big" in saving.why
    assert (bigger.ours.value, bigger.holds) == (pytest.approx(2.0), True)
    assert (per_flop.ours.low, per_flop.ours.high) == pytest.approx((2.5, 10 / 1.5))
    assert per_flop.holds is False
    assert interaction.holds is True


def test_what_is_the_same_factor_for_all_models_is_no_interaction():
    generator = np.random.default_rng(1)
    frame = made_by_hand(runs=8)
    factor = np.where(frame["environment"] == "big", 2.0, 1.0)
    frame["energy_j"] = 100 * factor * generator.lognormal(0, 0.05, len(frame))
    interaction = analysed(frame).claims[3]
    assert interaction.holds is False
    assert "does not differ" in interaction.why


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (made_by_hand(state="failed"), "no training has come to its end"),
        (made_by_hand(energy_j=None), "no training has come to its end"),
        (made_by_hand().drop(columns="images"), "p.images"),
        (made_by_hand(models=("vgg16",)), "no training of mobilenet_v2"),
        (made_by_hand().drop(columns=["environment"])[:10], "two environments"),
        (made_by_hand(flops=None), "FLOPs"),
    ],
)
def test_what_cannot_be_said_has_its_reason(frame, reason):
    found = analysed(frame)
    unsaid = [claim for claim in found.claims if claim.holds is None]
    assert any(reason in claim.why for claim in unsaid)
    for claim in unsaid:
        assert claim.ours is None
        assert not claim.why.endswith(".")


def test_a_training_whose_joules_are_not_all_known_is_in_no_table_of_projections():
    frame = made_by_hand(runs=2)
    frame["run"] = [f"run {number}" for number in range(len(frame))]
    curves = [
        pd.DataFrame({"run": run, "trial": 0, "epoch": range(1, 9), "score": 0.5, "loss": 1.0})
        for run in frame["run"]
    ]
    curves = pd.concat([each.assign(energy_j=each["epoch"] * 2.0) for each in curves])
    frame.loc[0, "energy_j"] = None  # though those of its epochs are known
    found = analysed(frame.assign(trial=0), curves=curves)
    assert sum(row[2].value for row in exhibit(found, "projection").rows) == len(frame) - 1


def test_one_repetition_is_enough_for_ratios_and_too_few_for_tests():
    found = analysed(made_by_hand(runs=1))
    assert found.claims[0].ours is not None
    assert found.claims[3].holds is None
    assert all("too few" in str(row[-1]) for row in exhibit(found, "suits").rows)


def test_what_may_be_chance_is_neither_shown_nor_refuted():
    frame = made_by_hand()
    small = (frame["strategy"] == "mobilenet_v2") & (frame["environment"] == "big")
    frame.loc[small, "energy_j"] = [40.0, 60.0, 50.0, 45.0, 70.0][: small.sum()]
    bigger = analysed(frame).claims[1]
    assert bigger.ours.low < 1 < bigger.ours.high
    assert bigger.holds is None
    assert "includes 1" in bigger.why
    one = analysed(made_by_hand(runs=1))
    assert one.claims[1].holds is None
    assert any("one repetition" in note for note in one.notes)
    three = analysed(made_by_hand(runs=3)).notes
    assert any("holds the true median in 75 % of cases" in note for note in three)


def test_vgg16_has_the_operations_of_the_paper():
    with torch.device("meta"):
        network = vgg16((3, 8, 8), 1, image_size=128)
    assert forward_operations(network, (3, 8, 8)) == pytest.approx(10.03e9, rel=0.01)


def test_threads_are_set_and_put_back_even_if_a_training_fails():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), threads_of_torch(before + 1):
        assert torch.get_num_threads() == before + 1
        _ = 1 / 0
    assert torch.get_num_threads() == before


def test_a_power_cap_that_can_be_read_is_in_the_environments_name(tmp_path, monkeypatch):
    zone = tmp_path / "intel-rapl:0"
    zone.mkdir()
    assert cpu_cap_w(tmp_path) is None
    (zone / "constraint_0_power_limit_uw").write_text("65000000\n")
    assert cpu_cap_w(tmp_path) == 65.0
    here = "perjoule.benchmarks.studies.environments.here"
    monkeypatch.setattr(f"{here}.ROOT", tmp_path)
    one, *_ = environments_here("cpu", (1,))
    assert one.name.endswith(", 1 thread, capped at 65 W")


def test_the_limit_of_a_gpu_is_asked_of_nvml():
    class Nvml:
        @staticmethod
        def nvmlInit():  # noqa: N802 - the binding's name
            pass

        @staticmethod
        def nvmlDeviceGetHandleByUUID(uuid):  # noqa: N802
            return uuid

        @staticmethod
        def nvmlDeviceGetEnforcedPowerLimit(handle):  # noqa: N802
            return 350_000

    assert gpu_cap_w("GPU-1", Nvml) == 350.0
    assert gpu_cap_w("GPU-1", object()) is None  # a driver that does not answer


SEEN = []


def tiny(shape, n_classes, **_):
    SEEN.append(torch.get_num_threads())
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), n_classes))


def test_it_runs_from_end_to_end_with_another_machines_table(tmp_path, monkeypatch):
    SEEN.clear()
    monkeypatch.setattr("perjoule.benchmarks.studies.running.IDLE_S", {True: 0.01})
    monkeypatch.setattr("perjoule.benchmarks.studies.estimating.PROBE_S", 0.01)
    plan = replace(study.QUICK, epochs=8)
    monkeypatch.setitem(study.PLANS, "quick", plan)
    monkeypatch.setattr(study, "MODELS", {"mobilenet_v2": tiny, "vgg16": tiny})
    monkeypatch.setattr(study, "QUICK_MODELS", ("mobilenet_v2", "vgg16"))
    theirs = tmp_path / "theirs.csv"
    made_by_hand(places=("small",), runs=2).drop(columns="environment").to_csv(theirs, index=False)
    result = perjoule.study(
        "environments", quick=True, repetitions=1, meter="model", device="cpu",
        out=tmp_path / "out", add=[theirs],
    )  # fmt: skip
    trials = result.table.trials
    places = set(trials["g.environment"])
    assert "theirs" in places  # the name of a table that does not say where it was
    assert len(places) >= 2
    assert set(SEEN) <= {1, 2}
    assert 1 in SEEN
    own = trials[trials["g.environment"] != "theirs"]
    assert (own["p.images"] == plan.epochs * plan.n_train).all()
    assert (own["state"] == "complete").all()
    projected = result.findings.claims[-1]
    assert (projected.holds, projected.ours.value) == (True, 1.0)
    names = [each.name for each in result.findings.exhibits]
    assert names == ["cells", "interaction", "suits", "flops", "tests", "pairs", "projection"]
    assert result.report.exists()
