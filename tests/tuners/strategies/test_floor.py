import math
from functools import partial
from statistics import median

import pytest

from perjoule.errors import ConfigurationError
from perjoule.models.outcome import State
from perjoule.tuners.strategies.floor import FloorStrategy
from perjoule.tuners.strategies.optuna_sampler import OptunaStrategy
from perjoule.tuners.strategy import Told, restore

from ..toys import SPACE, energy_j, score, search_toy, simulate

PLAIN = {"width": 64, "pool": "max", "epochs": 3}
make = partial(FloorStrategy, SPACE)
random_draws = partial(OptunaStrategy, SPACE)


def typical(strategy, figure):
    """Median over five seeds of what is made of each run's trials."""
    runs = (simulate(strategy(seed), score, energy_j, n_trials=30) for seed in range(5))
    return median(figure(list(run.trials.values())) for run in runs)


@pytest.mark.thorough
@pytest.mark.parametrize("choice", [{}, {"floor": 0.9}], ids=["moving", "fixed"])
def test_it_finds_a_cheaper_candidate_above_the_floor_than_random_draws_do(choice):
    def cheapest_j(trials):
        return min((t.energy_j for t in trials if t.score >= 0.9), default=math.inf)

    assert typical(partial(make, **choice), cheapest_j) < 0.9 * typical(random_draws, cheapest_j)


@pytest.mark.thorough
def test_the_floor_is_what_keeps_it_from_the_cheapest():
    def last_j(trials):
        return median(trial.energy_j for trial in trials[-10:])

    assert typical(partial(make, share=0.0), last_j) < 0.5 * typical(make, last_j)


@pytest.mark.thorough
def test_below_a_floor_out_of_reach_it_climbs():
    def best(trials):
        return max(trial.score for trial in trials)

    assert typical(partial(make, floor=1.0), best) > typical(random_draws, best)


def test_the_floor_rises_with_the_best_accuracy():
    def proposals(n_better):
        strategy = make(0)
        for step in range(20):  # good enough until something better is known
            rate = 1e-4 * 1.05**step
            strategy.tell(Told({**PLAIN, "rate": rate}, State.COMPLETE, 0.5, 1.0 + step))
        for step in range(n_better):
            rate = 0.1 * 1.05**step
            strategy.tell(Told({**PLAIN, "rate": rate}, State.COMPLETE, 0.9, 50.0 + step))
        return [params["rate"] for params in search_toy(strategy, ["failed"] * 9)[0]]

    assert median(proposals(0)) < 0.01 < median(proposals(2))


@pytest.mark.parametrize("kind", ["unmetered", "cut short"])
def test_a_trial_without_a_result_counts_as_a_failure(kind):
    def proposals(kind):
        _, history = search_toy(random_draws(0), ["known"] * 10 + [kind] * 5)
        return search_toy(restore(make(0), history), ["failed"] * 4)[0]

    assert proposals(kind) == proposals("failed") != proposals("known")


@pytest.mark.parametrize("choice", [{"share": 1.1}, {"floor": 90.0}, {"floor": math.nan}])
def test_a_floor_that_is_no_accuracy_is_refused(choice):
    [(name, value)] = choice.items()
    with pytest.raises(ConfigurationError, match=f"{name} = {value!r} of accuracy must be"):
        make(0, **choice)
