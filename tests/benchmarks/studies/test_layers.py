"""The study of layers: the networks of the paper, a run of all eight, and what a table says."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from perjoule.benchmarks.comparison.folder import Folder
from perjoule.benchmarks.comparison.loading import read_run
from perjoule.benchmarks.comparison.start import run_comparison
from perjoule.benchmarks.studies import Options, factorial
from perjoule.benchmarks.studies.layers.study import STUDY
from perjoule.benchmarks.studies.running import experiment_of
from perjoule.benchmarks.studies.tables import study_table
from perjoule.benchmarks.tables.table import Table
from perjoule.benchmarks.tables.tidying import tidy
from perjoule.errors import ConfigurationError

CELLS = factorial(linear=(3, 7), conv=(1, 4), relu=(False, True))
CONV, LINEAR, RELU, SHARE, HALF, RETURNS = range(6)


class TestNetwork:
    @staticmethod
    def sizes(shape, **factors):
        from torch import nn

        from perjoule.benchmarks.studies.layers.network import network

        modules = list(network(shape, 10, **factors))
        convolutions = [each.out_channels for each in modules if isinstance(each, nn.Conv2d)]
        linear = [each.out_features for each in modules if isinstance(each, nn.Linear)]
        return convolutions, linear, sum(isinstance(each, nn.ReLU) for each in modules)

    def test_it_is_that_of_the_authors(self):
        widths = [392, 196, 98, 49, 24, 12, 10]
        image = (1, 28, 28)
        assert self.sizes(image, linear=7, conv=4, relu=True) == ([3, 9, 27, 81], widths, 4)
        assert self.sizes(image, linear=3, conv=1, relu=False) == ([3], [392, 196, 10], 0)
        assert self.sizes((3, 32, 32), linear=3, conv=1, relu=True) == ([9], [1536, 768, 10], 1)

    @pytest.mark.parametrize("cell", CELLS)
    @pytest.mark.parametrize("shape", [(1, 8, 8), (2, 5, 33)])
    def test_small_images_are_padded_for_all_alike(self, cell, shape):
        import torch

        from perjoule.benchmarks.studies.layers.network import network

        built = network(shape, 4, **cell)
        assert built[0](torch.ones(2, *shape)).shape == (2, shape[0], 16, max(16, shape[2]))
        assert built(torch.ones(2, *shape)).shape == (2, 4)

    @pytest.mark.parametrize("channels", [1, 3])
    def test_it_keeps_to_the_layout_of_the_authors(self, channels):
        import torch

        from perjoule.benchmarks.studies.layers.network import network

        last = torch.channels_last
        built = network((channels, 16, 16), 4, conv=2).to(memory_format=last)
        images = torch.rand(2, 16, 16, channels).permute(0, 3, 1, 2)
        for convolution in (built[0], built[4]):
            seen = []
            convolution.register_forward_hook(lambda *given, seen=seen: seen.append(given[2]))
            built(images)
            assert seen[0].is_contiguous()

    def test_it_refuses_vectors(self):
        from perjoule.benchmarks.studies.layers.network import network

        with pytest.raises(ConfigurationError, match="takes images"):
            network((30,), 4)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Table:
    """One repetition of all eight networks, on images that are made up."""
    options = Options(quick=True, dataset="synthetic:8x8x1:3:60", repetitions=1, meter="model")
    design = STUDY.design(options)
    (part,) = design.parts
    folder = Folder(tmp_path_factory.mktemp("layers") / "run")
    short = dataclasses.replace(
        part, epochs=2, cells=[{**each, "epochs": 2} for each in part.cells]
    )
    run_comparison(experiment_of(short, options), folder)
    return study_table("made", dataclasses.replace(design, parts=(short,)), [read_run(folder.path)])


def test_all_eight_are_trained_and_told(trained):
    trials = trained.trials
    assert list(trials["state"]) == ["complete"] * 8
    factors = trials[["p.linear", "p.conv", "p.relu"]].astype(object)
    assert {tuple(each) for each in factors.to_numpy()} == {tuple(each.values()) for each in CELLS}
    assert trials["n_parameters"].nunique() == 4  # a ReLU has none
    joules = trials.groupby("p.conv")["energy_j"]
    assert joules.min()[4] > joules.max()[1]
    claims = STUDY.analyse(trained).claims
    assert claims[CONV].holds
    assert claims[CONV].ours.value > 1.5
    assert claims[HALF].holds is None  # of one repetition nothing is said
    assert "one repetition" in claims[HALF].why


def made(*, conv=1.95, linear=1.06, relu=1.03, gain=0.001, seeds=6, **columns) -> pd.DataFrame:
    """Trials whose factors multiply the energy; four convolutions gain some accuracy."""
    noise = np.random.default_rng(1)
    rows = []
    for seed in range(seeds):
        drift = 1 + seed / 10  # of the machine: it cancels within a repetition
        for cell in CELLS:
            energy_j = 100 * drift * conv ** (cell["conv"] == 4) * linear ** (cell["linear"] == 7)
            rows.append(
                {f"p.{name}": level for name, level in cell.items()}
                | {
                    "strategy": str(cell),
                    "run": f"{cell} {seed}",
                    "seed": seed,
                    "state": "complete",
                }
                | {"energy_j": energy_j * relu ** cell["relu"], **columns}
                | {"score": 0.8 + gain * (cell["conv"] == 4) + noise.normal(0, 1e-4)}
            )
    return pd.DataFrame(rows)


def found(frame: pd.DataFrame):
    return STUDY.analyse(Table(tidy(frame, "made")))


def test_what_was_put_in_comes_out():
    findings = found(made(**{"p.dataset": "fashion-mnist"}))
    claims = findings.claims
    assert [each.holds for each in claims] == [True] * 6
    ratios = [claims[number].ours.value for number in (CONV, LINEAR, RELU)]
    assert ratios == pytest.approx([1.95, 1.06, 1.03])
    assert claims[CONV].paper.value == 1.95
    # Of the variance, 0.95^2 and about 0.12^2 and 0.06^2 of the mean of the cheap and dear cells.
    assert claims[SHARE].ours.value == pytest.approx(0.985, abs=0.015)
    assert claims[HALF].ours.value == pytest.approx(0.1, abs=0.03)
    assert claims[RETURNS].ours.value == pytest.approx(0.001 / 0.8, abs=4e-4)
    cells = next(each for each in findings.exhibits if each.name == "cells")
    assert cells.rows[0][0] == "linear 3, conv 1, relu off"
    assert cells.rows[-1][2].value == pytest.approx(1.95 * 1.06 * 1.03 - 1)
    tests = next(each for each in findings.exhibits if each.name == "tests")
    assert [(row[4].value, row[5].value) for row in tests.rows] == [(2, 48)] * 3 + [(8, 48)]


def test_another_table_with_the_same_seeds_has_further_repetitions():
    other = made(conv=4, seeds=1).assign(energy_j=lambda trials: trials["energy_j"] * 1000)
    other["run"] += " elsewhere"
    both = found(pd.concat([made(seeds=2), other]))
    assert both.claims[CONV].ours.value == pytest.approx(1.95)  # the median of three repetitions
    assert both.claims[CONV].ours.high == pytest.approx(4)
    tests = next(each for each in both.exhibits if each.name == "cells")
    assert tests.rows[0][-1].value == 3


def test_what_does_not_hold_is_said():
    claims = found(made(conv=1.3, linear=1.4, relu=1.2, gain=-0.02)).claims
    assert [each.holds for each in claims[:HALF]] == [False] * 4
    assert (claims[HALF].holds, "not half of it" in claims[HALF].why) == (False, True)
    lossy = found(made(gain=0.03)).claims
    assert (lossy[HALF].holds, lossy[HALF].ours.value > 2) == (False, True)
    assert found(made(conv=1.6, gain=-0.02)).claims[HALF].holds  # less energy is more accurate
    steep = found(made(gain=0.9).assign(score=lambda trials: trials["score"] / 4)).claims
    assert steep[RETURNS].holds is False


@pytest.mark.parametrize(
    "change",
    [
        lambda trials: trials.drop(columns=["p.relu"]),
        lambda trials: trials[trials["p.conv"] == 1],
        lambda trials: trials[trials["seed"] == 0],
        lambda trials: trials.head(1),
        lambda trials: trials.assign(energy_j=np.nan),
        lambda trials: trials.assign(state="failed", score=np.nan),
        lambda trials: trials.drop(index=trials.index[[3, 8]]),
        lambda trials: trials.assign(energy_j=5.0),
        lambda trials: trials.assign(energy_j=0.0),
        lambda trials: trials.assign(score=0.0),
        lambda trials: trials.assign(score=np.nan, state="complete"),
    ],
    ids=[
        "column",
        "level",
        "repetition",
        "trial",
        "joules",
        "failed",
        "some",
        "equal",
        "zero",
        "nothing",
        "scores",
    ],
)
def test_no_table_is_too_poor(change):
    findings = found(change(made()))
    assert len(findings.claims) == 6
    for claim in findings.claims:
        assert claim.why
        assert (claim.holds is None) or claim.ours is not None
    findings.to_dict()


def test_what_is_left_out_is_told():
    trials = made()
    trials.loc[[0, 9], "state"] = "failed"
    (note,) = found(trials).notes
    assert "Not compared: 2 of 48 trainings" in note
    assert "(2 failed). The energy spent on them: 213 J" in note
    missing = found(made().drop(columns=["p.relu", "p.conv"])).claims[CONV]
    assert (missing.holds, missing.why) == (None, "the table has no p.conv and no p.relu")


def test_short_trainings_are_called_so():
    trials = tidy(made().assign(energy_train_j=lambda each: each["energy_j"] * each["p.conv"]), "")
    rows = [
        {"run": run, "trial": 0, "epoch": epoch, "energy_j": 1.0, "score": score, "loss": 1.0}
        for run, conv in zip(trials["run"], trials["p.conv"], strict=True)
        for epoch, score in enumerate((0.3, 0.5, 0.5 + conv / 100))
    ]
    alone, short = STUDY.analyse(Table(trials, curves=pd.DataFrame(rows))).notes
    assert "is 7.80 [" in alone
    assert (
        "four convolutional layers still gained 4.0 points of accuracy, and those with one 1.0"
        in short
    )
    longer = pd.DataFrame(rows).assign(score=0.5)
    assert len(STUDY.analyse(Table(trials, curves=longer)).notes) == 1
