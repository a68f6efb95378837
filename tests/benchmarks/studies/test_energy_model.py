"""The study of the energy of fully connected networks by their working sets."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import yaml

import perjoule
from perjoule.benchmarks.comparison.loading import load_table
from perjoule.benchmarks.studies import Heat, Options, Plot, Sheet, running
from perjoule.benchmarks.studies.energy_model.analysis import keep
from perjoule.benchmarks.studies.energy_model.cells import HELD_OUT, INPUTS
from perjoule.benchmarks.studies.energy_model.study import STUDY
from perjoule.errors import OutputError
from perjoule.models.networks import mlp_energy_stored
from perjoule.models.networks.mlp import solve_widths
from perjoule.models.networks.mlp_energy import EnergyModel

from ...models.test_mlp_energy import STORED
from ..comparison.ledgers import cut

CACHES = {"L1": 32 * 2**10, "L2": 2**20, "L3": 32 * 2**20}
TRUE = {
    "operation": 4e-11,
    "L1": 1e-12,
    "L2": 4e-11,
    "L3": 1e-10,
    "RAM": 8e-10,
    "step": 1e-3,
    "layer": 3e-4,
}
QUICK = STUDY.design(Options(quick=True))


def joules_by(true):
    model = EnergyModel(CACHES, true)

    def joule(cell):
        widths = solve_widths(cell["profile"], cell["size"], INPUTS, 2, cell["depth"])
        return model.joules_per_sample(widths, cell["batch"])

    return joule


def table_of(joule, cells=QUICK.parts[0].cells, seeds=2, noise=0.02, caches=CACHES):
    """A trial table whose networks take such joules per sample."""
    generator = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        for cell in cells:
            train_j = joule(cell) * cell["batch"] * cell["steps"] * generator.lognormal(0, noise)
            rows.append(
                {
                    "run": f"{cell} #{seed}",
                    "strategy": cell["profile"],
                    "seed": seed,
                    "trial": 0,
                    "state": "complete",
                    "score": np.nan,
                    "energy_j": 2 * train_j,  # building is no part of a sample's energy
                    "energy_train_j": train_j,
                    "g.part": "energy",
                    **{f"p.{name}": value for name, value in cell.items()},
                }
            )
    table = load_table(pd.DataFrame(rows), by="part")
    machine = {"machine": {"cpu": "mine", "caches": caches}}
    return dataclasses.replace(table, description=machine)


def exhibit(findings, name):
    return next(each for each in findings.exhibits if each.name == name)


def test_networks_whose_energy_follows_working_sets_are_seen_to_do_so():
    findings = STUDY.analyse(table_of(joules_by(TRUE)))
    *claims, idle = findings.claims
    assert [claim.holds for claim in claims] == [True] * len(claims)
    small, large, contradiction, median, near, *errors = claims
    assert small.ours.value == pytest.approx(1.2, abs=0.2)
    assert large.ours.low > 8
    assert contradiction.ours.value > 1
    assert median.ours.value == pytest.approx(1, abs=0.02)
    assert near.ours.value == 1
    assert all(claim.ours.high < 0.5 for claim in errors)
    assert idle.holds is None
    assert "whole node" in idle.why
    rows = exhibit(findings, "coefficients").rows
    found = {row[0].removeprefix("per ").removeprefix("byte of "): row[1].value for row in rows}
    for name in ("operation", "RAM", "step", "layer"):
        assert found[name] == pytest.approx(TRUE[name], rel=0.1)
    working_sets, held = exhibit(findings, "working-sets"), exhibit(findings, "held-out")
    assert isinstance(working_sets, Plot)
    assert [(mark.label, mark.at) for mark in working_sets.marks] == list(CACHES.items())
    assert {series.name for series in held.series} <= {*HELD_OUT, "predicted = measured"}
    assert isinstance(exhibit(findings, "models"), Sheet)
    json.dumps(findings.to_dict(), allow_nan=False)


def test_a_pair_that_only_chance_sets_apart_is_no_contradiction():
    by_operations = dict.fromkeys(TRUE, 0.0) | {"step": 1.0}  # all networks cost the same
    contradiction = STUDY.analyse(table_of(joules_by(by_operations), noise=0.3)).claims[2]
    assert contradiction.ours.low < 1.3  # the largest of thousands of ratios is above 2
    assert contradiction.holds is not True


def test_trainings_that_failed_are_told():
    table = table_of(joules_by(TRUE))
    states = ["failed" if row < 2 else "complete" for row in range(len(table.trials))]
    failed = dataclasses.replace(table, trials=table.trials.assign(state=states))
    assert any("(2 failed)" in note for note in STUDY.analyse(failed).notes)


def test_what_another_machine_measured_is_not_stored_for_this_one(tmp_path, monkeypatch):
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path))
    assert "another machine" in str(keep(table_of(joules_by(TRUE))))
    assert mlp_energy_stored.load() is None


def test_energy_that_is_that_of_operations_alone_is_no_evidence_for_working_sets():
    by_operations = dict.fromkeys(TRUE, 0.0) | {"operation": 4e-11, "step": 1e-3}
    findings = STUDY.analyse(table_of(joules_by(by_operations), noise=0.05))
    statements = {claim.statement: claim for claim in findings.claims}
    [bytes_matter] = [
        claim for text, claim in statements.items() if text.startswith("The level of")
    ]
    [operations] = [claim for text, claim in statements.items() if text.startswith("Operations al")]
    assert bytes_matter.holds is None
    assert "includes 1" in bytes_matter.why
    assert operations.ours.value == pytest.approx(1, abs=0.2)


def test_what_a_table_lacks_is_not_said():
    whole = table_of(joules_by(TRUE), seeds=1)

    def holding(trials=whole.trials, **changed):
        return [
            c.holds
            for c in STUDY.analyse(dataclasses.replace(whole, trials=trials, **changed)).claims
        ]

    # Of one repetition no pair is picked on others; errors differ between networks.
    assert holding() == [True, True, None, *[True] * 5, None]
    for lacking in (
        whole.trials.iloc[:1],
        whole.trials.iloc[:0],
        whole.trials.assign(energy_train_j=np.nan),
        whole.trials.assign(energy_j=np.nan),
        whole.trials.assign(state="failed"),
        whole.trials.drop(columns="p.steps"),
        whole.trials.drop(columns=["p.steps", "g.part"]),
        whole.trials.assign(**{"p.size": "large"}),
    ):
        assert set(holding(lacking)) <= {None}
    unknown = STUDY.analyse(dataclasses.replace(whole, description=None))
    assert any("caches are not known" in note for note in unknown.notes)
    assert exhibit(unknown, "working-sets").marks == ()


def test_the_energy_to_a_loss_is_read_from_the_curves_and_censored_where_it_is_not_reached():
    cells = [(size, depth, seed) for size in (1024, 4096) for depth in (2, 3) for seed in (0, 1)]
    runs = [f"{size} {depth} #{seed}" for size, depth, seed in cells]
    trials = pd.DataFrame(
        {
            "run": runs,
            "strategy": "rectangle",
            "seed": [cell[2] for cell in cells],
            "trial": 0,
            "state": "complete",
            "score": 0.3,
            "energy_j": 5.0,
            "p.size": [cell[0] for cell in cells],
            "p.depth": [cell[1] for cell in cells],
            "g.part": "loss",
        }
    )
    table = load_table(trials, by="part")
    curves = [
        {
            "run": run,
            "trial": 0,
            "epoch": at,
            "energy_j": at * depth * size / 1024,
            "loss": loss,
        }
        for run, (size, depth, seed) in zip(runs, cells, strict=True)
        for at, loss in enumerate((0.9, 0.45 if depth == 2 else 0.6, 0.4), start=1)
        if not (depth == 3 and size == 4096 and at == 3 and seed == 1)
    ]
    findings = STUDY.analyse(dataclasses.replace(table, curves=pd.DataFrame(curves)))
    [heat] = findings.exhibits  # no network reaches the lower loss
    assert isinstance(heat, Heat)
    assert heat.contours
    assert heat.x.labels == ("1,024", "4,096")
    # Depth 2 reaches 0.5 after two epochs, 4 J and 16 J; depth 3 after three, 9 J, and one of two.
    assert heat.values == ((1.0, 4.0), (9 / 4, None))
    assert heat.texts[1][1] == "1 of 2 reach it"
    # An interrupted study has not trained every network yet.
    fewer = dataclasses.replace(table, trials=table.trials[:6], curves=pd.DataFrame(curves))
    [heat] = STUDY.analyse(fewer).exhibits
    assert heat.values == ((1.0, 4.0), (9 / 4, None))
    assert heat.texts[1][1] == "not trained"


def test_the_design_has_all_shapes_and_sizes_and_enough_steps():
    full = STUDY.design(Options()).parts[0].cells
    assert {cell["size"] for cell in full} == {2**each for each in range(5, 25)}
    assert {cell["depth"] for cell in full} >= {2, 10, 20}
    for cells in (full, QUICK.parts[0].cells):
        assert all(2 <= cell["steps"] <= 1000 for cell in cells)
        assert len({json.dumps(cell) for cell in cells}) == len(cells)
        assert {cell["profile"] for cell in cells} & set(HELD_OUT)


def test_a_tiny_study_from_end_to_end(tmp_path, monkeypatch):
    """By counted operations: joules are those of the operations that training announces."""
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path / "home"))
    (tmp_path / "tiny_energy.py").write_text(TINY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(running, "IDLE_S", {True: 0.01})
    result = perjoule.study("tiny_energy:STUDY", quick=True, out=tmp_path / "out", meter="model")
    assert not result.interrupted
    trials = result.table.trials
    energy, loss = (trials[trials["g.part"] == name] for name in ("energy", "loss"))
    assert energy["score"].isna().all()  # it means nothing
    assert loss["score"].notna().all()
    assert (energy["energy_validate_j"].fillna(0) == 0).all()
    per_step = energy["energy_train_j"] / energy["p.steps"]
    expected = 3 * energy["flops"] * energy["p.batch"] + 10 * energy["n_parameters"]
    assert (per_step / expected).std() / (per_step / expected).mean() < 1e-6
    stored = mlp_energy_stored.load()
    assert stored is not None
    assert (
        stored.n_networks == (~energy["p.profile"].isin(HELD_OUT)).groupby(energy["seed"]).sum()[0]
    )
    assert (
        stored.fitted_at == yaml.safe_load((tmp_path / "out" / "study.yaml").read_text())["created"]
    )


TINY = """
from dataclasses import replace
from perjoule.benchmarks.studies.energy_model.study import STUDY as WHOLE

def design(options):
    whole = WHOLE.design(options)
    energy, loss = whole.parts
    few = [each for each in energy.cells if each["size"] in (256, 4096)]
    cells = tuple({**each, "steps": 3} for each in few)
    energy = replace(energy, cells=cells, repetitions=1, steps=lambda cell: cell["steps"])
    loss = replace(loss, cells=loss.cells[:1], repetitions=1, epochs=1)
    return replace(whole, parts=(energy, loss))

STUDY = replace(WHOLE, design=design)
"""

SPACE = {
    "size": {"type": "int", "low": 2**12, "high": 2**14, "log": True},
    "depth": {"type": "int", "low": 2, "high": 4},
    "learning_rate": 0.01,
    "epochs": 1,
}


def test_grid_cheapest_orders_by_the_stored_model_and_a_resumed_one_keeps_its_order(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("PERJOULE_HOME", str(tmp_path / "home"))

    def compare(name, **options):
        result = perjoule.compare(
            architecture="mlp",
            strategies=["grid-cheapest"],
            seeds=1,
            budget="1 kJ",
            meter="model",
            workers=1,
            device="cpu",
            space=SPACE,
            out=tmp_path / name,
            **options,
        )
        return list(zip(result.trials["p.size"], result.trials["p.depth"], strict=True))

    by_operations = compare("operations")
    sizes = [size for size, _ in by_operations]
    assert sizes == sorted(sizes)
    only_layers = dict.fromkeys(STORED.model.coefficients, 0.0) | {"layer": 1.0}
    model = dataclasses.replace(STORED.model, coefficients=only_layers)
    path = mlp_energy_stored.save(dataclasses.replace(STORED, model=model))
    by_layers = compare("layers")
    assert [depth for _, depth in by_layers] == [2, 2, 2, 3, 3, 3, 4, 4, 4]
    cut(tmp_path / "layers", 5)
    path.unlink()
    assert compare("layers", resume=True) == by_layers
    description = tmp_path / "layers" / "experiment.yaml"
    description.write_text(description.read_text().replace("held_out_error: ", "held_out_error: -"))
    with pytest.raises(OutputError, match=r"energy_model: held_out_error .*restore a copy"):
        compare("layers", resume=True)
