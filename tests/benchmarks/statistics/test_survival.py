import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.statistics.per_joule import above_floor, floor_curve
from perjoule.benchmarks.statistics.runs import AnytimeCurves
from perjoule.benchmarks.statistics.survival import survival_curve, target_ecdf, target_grid

from ..samples import BROKEN_METER, MIXED, quick, run_of, tables

runs = st.lists(st.tuples(st.integers(1, 9).map(float), st.booleans()), min_size=1, max_size=12)
limits = st.integers(1, 120).map(float)


def test_survival_by_hand():
    found = survival_curve([2.0, 4.0, 4.0, 8.0], [True, True, False, False])
    assert found["energy_j"].tolist() == [2, 4, 8]
    assert found["share"].tolist() == pytest.approx([3 / 4, 1 / 2, 1 / 2])
    assert found["censored"].tolist() == [0, 1, 1]


@quick
@given(runs)
def test_survival_is_the_product_of_those_who_went_on(runs):
    found = survival_curve(*zip(*runs, strict=True))
    assert found["energy_j"].tolist() == sorted({joules for joules, _ in runs})
    share = 1.0
    for at_j, told, censored in found.itertuples(index=False, name=None):
        left = [(joules, hit) for joules, hit in runs if joules >= at_j]
        share *= 1 - left.count((at_j, True)) / len(left)
        assert told == pytest.approx(share)
        assert censored == left.count((at_j, False))


@quick
@given(
    tables,
    st.lists(st.integers(0, 20).map(lambda n: n / 20), min_size=1, unique=True),
    st.randoms(use_true_random=False),
)
def test_the_distribution_over_targets_counts_every_pair(trials, targets, random):
    rows = list(range(len(trials)))
    random.shuffle(rows)  # runs go on side by side
    curves, targets = AnytimeCurves.of(trials.iloc[rows]), sorted(targets)
    improvements = curves.improvements()
    found = target_ecdf(improvements, len(curves.names), targets)
    pairs = [curves.energy_to_target(target) for target in targets]
    for energy_j in (0.0, *found["energy_j"], 1e9):
        reached = sum((each["hit"] & (each["energy_j"] <= energy_j)).sum() for each in pairs)
        at = found["share"][found["energy_j"] <= energy_j]
        share = at.iloc[-1] if len(at) else 0.0
        assert share == pytest.approx(reached / (len(targets) * len(curves.names)))
    assert found["energy_j"].is_monotonic_increasing
    assert found["share"].is_unique


def test_targets_are_spaced_by_their_distance_to_the_ideal():
    grid = target_grid(0.5, 0.995, 1.0)
    assert (grid[0], grid[-1]) == (0.5, pytest.approx(0.995))
    assert np.diff(np.log(1 - grid)) == pytest.approx(math.log(0.005 / 0.5) / 50)
    assert grid.max() <= 0.995
    assert target_grid(-3.0, -1.0, -1.0)[-1] == pytest.approx(-1.002)
    assert target_grid(0.5, 0.5, 1.0).tolist() == [0.5]
    assert target_grid(-1.0, -1.0, -1.0).tolist() == [-1.0]


class TestStopping:
    """What runs are that stop at a budget is what a shorter table says."""

    @pytest.mark.thorough
    @quick
    @given(tables, limits)
    def test_a_stopped_run_is_its_first_trials_and_a_rest(self, trials, limit_j):
        cut = []
        for _, own in trials.groupby("run", sort=False):
            spent = own["energy_j"].cumsum()
            within = own[spent <= limit_j]
            rest = own.iloc[[0]].assign(score=math.nan)
            if spent.iloc[-1] > limit_j:
                rest["energy_j"] = limit_j - within["energy_j"].sum()
                within = pd.concat([within, rest])
            cut.append(within)
        shorter = AnytimeCurves.of(pd.concat(cut))
        stopped = AnytimeCurves.of(trials).stopped_at(limit_j)
        assert stopped.totals_j.to_dict() == pytest.approx(shorter.totals_j.to_dict())
        for target in (0.2, 0.5, 0.9):
            ours, theirs = stopped.energy_to_target(target), shorter.energy_to_target(target)
            pd.testing.assert_frame_equal(ours, theirs)
        ours, theirs = stopped.improvements(), shorter.improvements()
        pd.testing.assert_frame_equal(ours, theirs)

    def test_without_a_limit_nothing_changes(self):
        curves = AnytimeCurves.of(pd.concat([MIXED, BROKEN_METER]))
        stopped = curves.stopped_at(math.inf)
        np.testing.assert_array_equal(stopped.energy_j, curves.energy_j)
        np.testing.assert_array_equal(stopped.score, curves.score)

    def test_what_became_unknown_later_does_not_matter(self):
        curves = AnytimeCurves.of(BROKEN_METER)  # 2 J, then unknown
        assert curves.stopped_at(2.0).totals_j.tolist() == [2.0]
        assert curves.stopped_at(2.0).energy_to_target(0.9)["hit"].tolist() == [False]
        assert curves.stopped_at(2.1).totals_j.isna().all()
        assert curves.stopped_at(2.1).energy_to_target(0.9)["energy_j"].isna().all()


def test_improvements_are_the_steps_of_a_run():
    found = AnytimeCurves.of(pd.concat([MIXED, run_of((1.0, math.nan), run="b")])).improvements()
    assert found[["run", "energy_j", "score"]].to_numpy().tolist() == [
        ["a-0", 2.0, 0.5],
        ["a-0", 15.0, 0.7],
    ]


@quick
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 10)), max_size=12),
    st.integers(0, 11).map(lambda n: n / 10),
)
def test_the_most_per_joule_above_a_floor_is_that_of_a_loop(trials, floor):
    joules = np.array([float(j) for j, _ in trials])
    scores = np.array([tenths / 10 for _, tenths in trials])
    good = [s / j for j, s in zip(joules, scores, strict=True) if j > 0 and s >= floor]
    found = above_floor(floor_curve(joules, scores), floor)
    assert found == max(good, default=math.nan) or (math.isnan(found) and not good)
