"""Simulated runs with several trials in flight, and what that costs a search."""

from statistics import median_low

import pytest

import perjoule
from perjoule.benchmarks.replay import side_by_side, simulation
from perjoule.benchmarks.replay.simulation import Terms
from perjoule.benchmarks.replay.synthetic import SURFACES
from perjoule.models.outcome import State
from perjoule.tuners.registry import RECIPES

SURFACE = SURFACES["scaling"]


def simulate(name, width, budget_j=100.0, **options):
    return side_by_side.play(RECIPES[name].build, SURFACE, Terms(budget_j, **options), width)


@pytest.mark.parametrize("name", ["random", "tpe", "asha", "cmaes", "grid", "frugal"])
def test_a_strategy_spends_the_same_budget_side_by_side_and_again_the_same(name):
    budget_j = 30.0
    run = simulate(name, 3, budget_j, search_j=0.2)
    assert run.error == ""
    assert sum(s.energy_j for s in run.slices) == pytest.approx(run.slices[-1].spent_j)
    assert run.slices[-1].spent_j <= budget_j * (1 + 1e-9)
    trials = {s.trial for s in run.slices}
    assert trials == set(range(len(trials)))
    # No slice of a trial follows one that ended it.
    for trial in trials:
        states = [s.state for s in run.slices if s.trial == trial]
        assert all(state is State.PAUSED for state in states[:-1])
    timeless = [s._replace(search_s=0.0) for s in run.slices]
    again = simulate(name, 3, budget_j, search_j=0.2)
    assert repr([s._replace(search_s=0.0) for s in again.slices]) == repr(timeless)


def test_slices_end_in_the_order_of_their_joules_and_the_next_begins_when_one_ends():
    run = simulate("random", 4)
    whole = [s for s in run.slices if s.state is not State.TRUNCATED]
    assert [s.trial for s in whole] != sorted(s.trial for s in whole)
    begins, ends = dict.fromkeys(range(4), 0.0), []
    for number, each in enumerate(run.slices):
        ends.append(begins[each.trial] + each.energy_j)
        begins.setdefault(4 + number, ends[-1])
    assert ends == sorted(ends)


def test_independent_draws_lose_nothing_but_the_end():
    alone, side_by_side = simulate("random", 1), simulate("random", 4)
    kept = min(len(alone.slices), len(side_by_side.slices)) - 4
    params = {s.trial: s.params for s in side_by_side.slices}
    assert [s.params for s in alone.slices[:kept]] == [params[n] for n in range(kept)]


def test_one_trial_in_flight_is_the_same_either_way():
    for name in ("tpe", "asha", "frugal", "cmaes"):
        one = simulation.play(RECIPES[name].build, SURFACE, Terms(40.0, search_j=0.1))
        for a, b in zip(one.slices, simulate(name, 1, 40.0, search_j=0.1).slices, strict=True):
            assert (a.trial, a.state, a.epochs, a.params) == (b.trial, b.state, b.epochs, b.params)
            assert a.energy_j == pytest.approx(b.energy_j)


def test_a_replay_says_what_parallelism_cost(small):
    table = perjoule.load_table(small.folder)
    options = {"strategies": ["random", "tpe"], "seeds": 6, "budget": "1 J per run", "workers": 1}
    replayed = table.replay(parallel_trials=3, **options)
    costs = replayed.description["replay"]["parallel_costs"]
    assert [cost["strategy"] for cost in costs] == ["random", "tpe"]
    told = [note for note in replayed.notes if "3 trials at once reached" in note]
    assert len(told) == 2
    assert told[1].startswith("tpe: ")
    assert "(median of 6 runs each)" in told[1]
    finals = replayed.trials.groupby(["strategy", "run"])["score"].max()
    alone = table.replay(**options)
    for cost in costs:
        assert cost["score"] == median_low(finals[cost["strategy"]])
        assert cost["target"] == min(cost["score"], cost["alone_score"])
        assert 0 < cost["energy_j"] <= 1.0
        assert 0 < cost["alone_j"] <= 1.0
        own = alone.trials[alone.trials["strategy"] == cost["strategy"]]
        assert cost["alone_score"] == median_low(own.groupby("run")["score"].max())
    assert replayed.trials["run"].nunique() == 12
    assert "parallel_costs" not in alone.description["replay"]


def test_no_trial_at_all_at_once_is_refused(small):
    with pytest.raises(perjoule.ConfigurationError, match="parallel_trials 0 is not above zero"):
        perjoule.load_table(small.folder).replay(parallel_trials=0)
