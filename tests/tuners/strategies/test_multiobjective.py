import math
from functools import partial
from statistics import median

import moocore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.samplers import NSGAIISampler

from perjoule.models.outcome import State
from perjoule.tuners.strategies.multiobjective import MultiObjectiveStrategy
from perjoule.tuners.strategy import Told, restore

from ..toys import SPACE, energy_j, score, search_toy, simulate

POPULATION = 6


def make(name, seed=0):
    small = {"nsga2": lambda seed: NSGAIISampler(population_size=POPULATION, seed=seed)}
    return MultiObjectiveStrategy(SPACE, seed, sampler=small.get(name, name))


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "n_trials", "n_seeds"), [("nsga2", 60, 10), ("tpe", 30, 5), ("gp", 8, 2)]
)
def test_the_front_beats_that_of_random_draws_at_equal_trials(name, n_trials, n_seeds):
    def volume(seed, name):
        """Hypervolume over accuracy above 0.5 and log joules below those of the heaviest."""
        run = simulate(make(name, seed), score, energy_j, n_trials=n_trials)
        points = [(-trial.score, math.log(trial.energy_j)) for trial in run.trials.values()]
        return moocore.hypervolume(points, ref=[-0.5, math.log(3 * 512**0.8 * 2)])

    ours, random = (median(map(partial(volume, name=n), range(n_seeds))) for n in (name, "random"))
    assert ours > random


@pytest.mark.thorough
@settings(max_examples=8)
@given(
    name=st.sampled_from(["nsga2", "tpe"]),
    seed=st.integers(0, 2**32),
    kinds=st.lists(
        st.sampled_from(["known", "known", "known", "failed", "unmetered"]),
        min_size=3 * POPULATION,
        max_size=4 * POPULATION,
    ),
)
def test_a_restored_strategy_proposes_the_same_at_every_point(name, seed, kinds):
    proposals, history = search_toy(make(name, seed), kinds)
    for count, proposal in enumerate(proposals):
        assert restore(make(name, seed), history[:count]).ask(0.0).params == proposal


def test_generations_go_on_after_a_restart():
    _, history = search_toy(make("random"), ["known"] * 4 * POPULATION)
    strategy = restore(make("nsga2"), history)
    known = {told.params["rate"] for told in history}
    # Random draws never meet again; children take most of their values from their parents.
    assert sum(search_toy(strategy, ["known"])[0][0]["rate"] in known for _ in range(6)) >= 2


@pytest.mark.parametrize("name", ["nsga2", "tpe"])
@pytest.mark.parametrize("kind", ["failed", "unmetered", "nothing measured", "cut short"])
def test_a_trial_without_a_result_is_one_whatever_else_it_gave(name, kind):
    def proposals(kind):
        _, history = search_toy(make("random"), ["known"] * 2 * POPULATION + [kind] * POPULATION)
        return search_toy(restore(make(name), history), ["failed"] * 4)[0]

    assert proposals(kind) == proposals("failed") != proposals("known")


def test_energy_counts_by_its_logarithm():
    values = MultiObjectiveStrategy.values
    assert values(Told({}, State.COMPLETE, 0.75, math.e**2)) == pytest.approx((0.75, 2.0))
    assert values(Told({}, State.TRUNCATED, 0.5, 1.0)) == (0.5, 0.0)
