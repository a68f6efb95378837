"""Simulated runs keep the rules of real ones."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import perjoule
from perjoule.benchmarks.comparison.events import End
from perjoule.benchmarks.replay.simulation import Terms, play, simulate, task_of
from perjoule.benchmarks.replay.synthetic import SURFACES
from perjoule.models.metric import ACCURACY
from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategy import Forecast, Work

from ..conftest import SMALL, SPACE
from ..samples import quick

NAN = math.nan


class Scripted:
    """Gives the works of a list, and remembers what it is told."""

    def __init__(self, *works):
        self._works, self.told, self.spent = list(works), [], []

    def ask(self, spent_j):
        self.spent.append(spent_j)
        return self._works.pop(0) if self._works else None

    def tell(self, result):
        self.told.append(result)


class Flat:
    """Every epoch costs 2 J after 1 J of setup, and gains a tenth, or fails if params say so."""

    space = Space.parse({"fails_at": {"low": 0, "high": 9}, "epochs": 9})
    n_samples = 100
    cheapest_j = 3.0
    metric = ACCURACY

    def cost_of(self, params):
        return 1.0, 1.0

    def curve(self, params, trial, seed):
        fails_at = params.get("fails_at", 0)
        return 1.0, [(2.0, NAN if epoch == fails_at else epoch / 10) for epoch in range(1, 10)]


class Cheaper(Flat):
    """There is a cheaper candidate than all that are asked for."""

    cheapest_j = 0.1


def work(until, **others):
    return Work(others.pop("params", {}), until, **others)


def run(*works, budget_j=100.0, objective=None, **options):
    strategy = Scripted(*works)
    found = simulate(strategy, objective or Flat(), Terms(budget_j, **options))
    return found.slices, strategy


def test_a_paused_trial_goes_on_where_it_stopped_and_is_built_anew():
    slices, strategy = run(work(2, pause=True), work(1), work(5, trial=0))
    assert [s.trial for s in slices] == [0, 1, 0]
    assert [s.state for s in slices] == [State.PAUSED, State.COMPLETE, State.COMPLETE]
    assert [s.energy_j for s in slices] == [5.0, 3.0, 7.0]
    assert [point.epoch for point in strategy.told[2].curve] == [3, 4, 5]
    assert strategy.spent == [0.0, 5.0, 8.0, 15.0]


def test_a_rung_in_joules_counts_all_slices_of_the_trial_and_their_search():
    slices, strategy = run(
        work(9, until_j=6.0, pause=True), work(9, until_j=13.0, trial=0), search_j=1.0
    )
    # Before the first validated epoch at which 6 - 0 J are spent by training alone: 1 + 2 * 3.
    assert (slices[0].epochs, slices[0].energy_j, slices[0].state) == (3, 8.0, State.PAUSED)
    # 13 - 8 are left to it: 1 + 2 * 2.
    assert (slices[1].epochs, slices[1].energy_j, slices[1].state) == (5, 6.0, State.COMPLETE)
    assert [s.search_j for s in slices] == [1.0, 1.0]
    assert [told.energy_j for told in strategy.told] == [8.0, 6.0]


@pytest.mark.parametrize(
    ("until", "budget_j", "state"), [(3, 100.0, State.COMPLETE), (9, 8.0, State.TRUNCATED)]
)
def test_a_trial_costs_its_setup_and_its_epochs_and_ends_after_one(until, budget_j, state):
    (slice_,), strategy = run(work(until), budget_j=budget_j)
    assert (slice_.state, slice_.epochs, slice_.score) == (state, 3, 0.3)
    assert slice_.energy_j == slice_.spent_j == 7.0
    assert [point.energy_j for point in strategy.told[0].curve] == [3.0, 5.0, 7.0]


def test_an_epoch_that_is_cut_short_takes_all_that_is_left():
    slices, strategy = run(work(3), work(3), budget_j=9.5, search_j=0.5, objective=Cheaper())
    assert [s.state for s in slices] == [State.COMPLETE, State.TRUNCATED]
    assert math.isnan(slices[1].score)
    assert strategy.told[1].score is None
    assert slices[1].spent_j == 9.5


def test_a_failed_trial_is_charged_and_its_accuracy_does_not_count():
    slices, strategy = run(work(5, params={"fails_at": 3}), work(12))
    assert (slices[0].state, slices[0].energy_j) == (State.FAILED, 7.0)
    assert math.isnan(slices[0].score)
    assert strategy.told[0].score == 0.2
    assert (slices[1].state, slices[1].epochs) == (State.FAILED, 9)  # past the end of its curve


@pytest.mark.parametrize(
    ("works", "terms", "count", "end"),
    [
        ([work(1, params={"fails_at": 1})] * 30, Terms(1e9), 20, End.FAILING),
        ([work(1)] * 30, Terms(11.9), 3, End.SPENT),
        ([work(1)] * 30, Terms(100.0, max_trials=4), 4, End.NO_WORK),
        ([work(1)] * 3, Terms(100.0), 3, End.NO_WORK),
        ([work(1)], Terms(2.9), 0, End.SPENT),
    ],
)
def test_a_run_ends_when_all_fails_or_nothing_fits_or_its_trials_are_many(works, terms, count, end):
    found = simulate(Scripted(*works), Flat(), terms)
    assert (len(found.slices), found.end, found.error) == (count, end, "")


def test_a_run_ends_after_three_truncated_trials_in_a_row():
    # 8 J fit three of four epochs, 1 + 3 * 2 = 7 J; a ninth of a joule more is never enough.
    class Paying(Cheaper):
        """Gives back the joules of trials that did not fit: only their number ends the run."""

        def curve(self, params, trial, seed):
            return 0.0, [(1.0, 0.5), (1.0, 0.6)] if trial < 3 else [(0.1, 0.5), (9.0, 0.5)]

    slices, _ = run(*[work(2)] * 9, budget_j=6.5, objective=Paying())
    assert [s.state for s in slices] == [State.COMPLETE] * 3 + [State.TRUNCATED]


def test_searching_is_charged_by_what_was_told_and_may_be_by_the_time_it_takes():
    slices, strategy = run(work(1), work(1), search_j=lambda n_told: 1.0 + n_told)
    assert [s.search_j for s in slices] == [1.0, 2.0]
    assert [s.energy_j for s in slices] == [told.energy_j for told in strategy.told] == [4.0, 5.0]
    for slice_ in run(work(1), work(1), search_j=1.0, watts=4.0)[0]:
        assert slice_.search_j == pytest.approx(1.0 + 4.0 * slice_.search_s)
        assert slice_.energy_j == pytest.approx(3.0 + slice_.search_j)


FAILED = work(2, params={"fails_at": 1}, pause=True)


class Faulty(Scripted):
    """Fails when it is told of the second trial."""

    def tell(self, result):
        if result.trial == 1:
            raise RuntimeError("no more")


@pytest.mark.parametrize(
    ("strategy", "n_slices", "error"),
    [
        (Faulty(work(1), work(1), work(1)), 2, "RuntimeError: no more"),
        (Scripted(work(1), "anything"), 1, "TypeError: ask returned 'anything', neither"),
        (Scripted(work(2), work(5, trial=0)), 1, "ValueError: ask wants to go on with trial 0"),
        (Scripted(FAILED, work(5, trial=0)), 1, "trial 0, which is not paused"),
    ],
)
def test_a_fault_of_a_strategy_ends_its_run(strategy, n_slices, error):
    found = simulate(strategy, Flat(), Terms(100.0))
    assert (len(found.slices), found.end) == (n_slices, End.STRATEGY_ERROR)
    assert error in found.error


def test_a_strategy_that_cannot_be_made_has_a_run_without_a_trial():
    found = play(lambda space, seed, task: 1 / 0, Flat(), Terms(100.0))
    assert (found.slices, found.error) == ([], "ZeroDivisionError: division by zero")


def test_a_task_without_known_networks_has_no_cost_of():
    unpriced: Any = Flat()
    unpriced.cost_of = None
    assert task_of(unpriced, 5.0).cost_of is None
    assert task_of(Flat(), 5.0).cost_of is not None


@quick
@given(st.floats(3, 60), st.lists(st.integers(1, 12), min_size=1, max_size=12))
def test_no_run_overdraws_its_budget_by_more_than_a_setup(budget_j, lengths):
    slices, _ = run(*(work(length) for length in lengths), budget_j=budget_j)
    assert sum(s.energy_j for s in slices) == pytest.approx(slices[-1].spent_j)
    assert slices[-1].spent_j <= budget_j + 1.0
    assert [s.trial for s in slices] == list(range(len(slices)))


def test_a_slice_keeps_what_its_strategy_forecast():
    forecast = Forecast(0.1, 0.2, 0.3)
    slices, _ = run(work(2, predicted_score=forecast), work(1))
    assert [s.predicted_score for s in slices] == [forecast, None]


# Beside a real run --------------------------------------------------------------------------------


class Recorded(Flat):
    """The trials of a run, by number."""

    space = Space.parse({"epochs": SPACE["epochs"], **SPACE})  # in the order of a comparison
    cheapest_j = 0.005

    def __init__(self, result, run):
        trials, curves = (each[each["run"] == run] for each in (result.trials, result.curves))
        self._trials, self._curves = trials.set_index("trial"), dict(list(curves.groupby("trial")))

    def curve(self, params, trial, seed):
        row, points = self._trials.loc[trial], self._curves[trial]
        assert params == {name: row[f"p.{name}"] for name in params}
        joules = points["energy_j"].diff().fillna(points["energy_j"] - row["energy_setup_j"])
        return row["energy_setup_j"], list(zip(joules, points["score"], strict=True))


@pytest.mark.thorough
def test_a_simulated_run_is_the_real_one_with_less_to_spend(small, tmp_path):
    less = {"strategies": ["random"], "seeds": 1, "budget": "0.16 J"}
    real = perjoule.compare(out=tmp_path / "less", **SMALL | less).trials
    slices = play(RECIPES["random"].build, Recorded(small, "random-0"), Terms(0.16)).slices
    assert [s.state for s in slices] == real["state"].tolist()
    assert [s.epochs for s in slices] == real["epochs"].tolist()
    joules = [s.energy_j for s in slices]
    assert joules[:-1] == pytest.approx(real["energy_j"].tolist()[:-1])
    # What is cut short ends before the step that would overdraw the budget.
    assert joules[-1] == pytest.approx(real["energy_j"].iloc[-1], rel=0.3)


# Surfaces -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("surface", SURFACES.values(), ids=SURFACES)
def test_a_surface_is_deterministic_and_its_best_is_in_reach_of_noise(surface):
    first, again = (
        [
            s._replace(search_s=0.0)
            for s in play(RECIPES["random"].build, surface, Terms(100.0, seed=1)).slices
            if not math.isnan(s.score)
        ]
        for _ in range(2)
    )
    assert first == again
    best = max(s.score for s in first)
    assert 0.5 < best <= surface.best_score + 5 * surface.noise


def candidate(surface, **others):
    return {**surface.space.cheapest(), "optimizer": "adam", "learning_rate": 1e-3, **others}


def test_size_costs_and_pays_on_a_surface():
    surface = SURFACES["scaling"]
    small = candidate(surface, width=8, depth=1, learning_rate=5e-3)
    large = candidate(surface, width=64, depth=4)
    (_, cheap), (_, dear) = (surface.curve(each, 0, 0) for each in (small, large))
    assert dear[0][0] / cheap[0][0] == pytest.approx(32)
    assert dear[-1][1] > cheap[-1][1] + 0.02
    assert surface.cost_of(large)[0] / surface.cost_of(small)[0] == pytest.approx(32)


def test_the_best_learning_rate_moves_with_size_and_too_high_a_rate_fails():
    surface = SURFACES["scaling"]

    def final(width, depth, rate):
        params = candidate(surface, width=width, depth=depth, learning_rate=rate)
        return surface.curve(params, 0, 0)[1][-1][1]

    rates = [1e-4, 3e-4, 1e-3, 3e-3, 5e-3]
    of_small, of_large = (
        max(rates, key=lambda rate: final(*size, rate)) for size in ((8, 1), (64, 4))
    )
    assert of_small > of_large
    assert math.isnan(final(64, 4, 0.2))
