from __future__ import annotations

import math
from functools import partial
from statistics import median

import moocore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.samplers import GPSampler, NSGAIISampler, RandomSampler, TPESampler

from perjoule.models.outcome import State
from perjoule.tuners.strategies.multiobjective import MultiObjectiveStrategy
from perjoule.tuners.strategy import Told, restore

from ..toys import SPACE, accuracy, energy_j, search

POPULATION = 6
SAMPLERS = {
    "random": RandomSampler,
    "nsga2": lambda seed: NSGAIISampler(population_size=POPULATION, seed=seed),
    "motpe": lambda seed: TPESampler(n_startup_trials=5, seed=seed),
    "gp-ehvi": lambda seed: GPSampler(n_startup_trials=5, seed=seed),
}
every_sampler = pytest.mark.parametrize(
    "name", ["nsga2", "motpe", pytest.param("gp-ehvi", marks=pytest.mark.thorough)]
)


def make(name, seed=0, space=SPACE):
    return MultiObjectiveStrategy(space, seed, sampler=SAMPLERS[name])


def volume(simulation):
    """Hypervolume over (accuracy above 0.5, log joules below those of the heaviest candidate)."""
    trials = simulation.trials.values()
    points = [(-trial.accuracy, math.log(trial.energy_j)) for trial in trials]
    return moocore.hypervolume(points, ref=[-0.5, math.log(3 * 512**0.8 * 2)])


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "n_trials", "n_seeds"), [("nsga2", 60, 10), ("motpe", 30, 5), ("gp-ehvi", 8, 2)]
)
def test_the_front_beats_that_of_random_draws_at_equal_trials(name, n_trials, n_seeds, simulate):
    def typical(name):
        run = partial(simulate, accuracy=accuracy, epoch_j=energy_j, n_trials=n_trials)
        return median(volume(run(make(name, seed))) for seed in range(n_seeds))

    assert typical(name) > typical("random")


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["nsga2", "motpe"])
def test_later_proposals_are_lighter_and_more_accurate_than_random_draws(name, simulate):
    def typical(name):
        runs = [simulate(make(name, s), accuracy, energy_j, n_trials=40) for s in range(5)]
        late = [list(run.trials.values())[20:] for run in runs]
        return (
            median(median(trial.energy_j for trial in trials) for trials in late),
            median(median(trial.accuracy for trial in trials) for trials in late),
        )

    ours, random = typical(name), typical("random")
    assert ours[0] < random[0]
    assert ours[1] > random[1]


@pytest.mark.thorough
@settings(max_examples=8)
@given(
    name=st.sampled_from(["nsga2", "motpe"]),
    seed=st.integers(0, 2**32),
    kinds=st.lists(
        st.sampled_from(["known", "known", "known", "failed", "unmetered"]),
        min_size=3 * POPULATION,
        max_size=4 * POPULATION,
    ),
)
def test_a_restored_strategy_proposes_the_same_at_every_point(name, seed, kinds):
    proposals, history = search(make(name, seed), kinds)
    for count, proposal in enumerate(proposals):
        assert restore(make(name, seed), history[:count]).ask(0.0) == proposal


@every_sampler
def test_asked_twice_it_proposes_the_same(name):
    strategy = make(name)
    search(strategy, ["known"] * (POPULATION + 1))
    assert strategy.ask(0.0) == strategy.ask(9.0)


def test_generations_go_on_after_a_restart():
    _, history = search(make("random"), ["known"] * 4 * POPULATION)
    strategy = restore(make("nsga2"), history)
    known = {told.params["rate"] for told in history}
    # Random draws never meet again; children take most of their values from their parents.
    assert sum(search(strategy, ["known"])[0][0].params["rate"] in known for _ in range(6)) >= 2


@pytest.mark.parametrize("name", ["nsga2", "motpe"])
@pytest.mark.parametrize("kind", ["failed", "unmetered", "nothing measured", "cut short"])
def test_a_trial_without_a_result_is_one_whatever_else_it_gave(name, kind):
    def proposals(kind):
        _, history = search(make("random"), ["known"] * 2 * POPULATION + [kind] * POPULATION)
        return search(restore(make(name), history), ["failed"] * 4)[0]

    assert proposals(kind) == proposals("failed") != proposals("known")


def test_energy_counts_by_its_logarithm():
    values = MultiObjectiveStrategy.values
    assert values(Told({}, State.COMPLETE, 0.75, math.e**2)) == pytest.approx((0.75, 2.0))
    assert values(Told({}, State.TRUNCATED, 0.5, 1.0)) == (0.5, 0.0)
