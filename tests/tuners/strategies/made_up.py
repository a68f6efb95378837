"""A made-up task whose first epoch tells of the last, or misleads, and earlier searches of it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from perjoule.benchmarks.replay.simulation import Terms, maker, simulate
from perjoule.models.metric import ACCURACY, Metric
from perjoule.models.space import Space
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategy import Earlier

LONGEST = 16
SPACE = Space.parse(
    {
        "rate": {"low": 1e-4, "high": 1.0, "log": True},
        "size": {"low": 0.5, "high": 2.0, "log": True},
        "decay": {"low": 0.0, "high": 1.0},
        "epochs": LONGEST,
    }
)
GOOD = 0.807  # 90 % of the best there is


def tells(params, epoch):
    """A curve that is above those of worse candidates at every epoch."""
    rate, size = math.log10(params["rate"]) + 2, math.log2(params["size"]) - 0.3
    quality = math.exp(-2 * rate**2 - 3 * (params["decay"] - 0.3) ** 2 - size**2 / 2)
    return 0.3 + 0.6 * quality * (1 - math.exp(-epoch / 3))


def misleads(params, epoch):
    """The same, but after the first epoch the worst candidate is ahead."""
    return 0.5 - (tells(params, LONGEST) - 0.3) / 3 if epoch == 1 else tells(params, epoch)


def loss(params, epoch):
    """The same as a loss."""
    return 2 - 2 * tells(params, epoch)


@dataclass(frozen=True)
class MadeUp:
    """A `Simulated` whose epochs take as many joules as the candidate is large."""

    score: Callable[[Mapping[str, Any], int], float]
    metric: Metric = ACCURACY
    space: Space = SPACE
    n_samples: int = 1
    cheapest_j: float = 0.5
    cost_of: None = None

    def curve(self, params, trial, seed):
        return 0.0, [(params["size"], self.score(params, e)) for e in range(1, LONGEST + 1)]


def earlier(sign=1.0, count=60):
    """An earlier search at random, in which the worst were the best if the sign is negative."""
    random, found = Random(5), []
    for _ in range(count):
        params = SPACE.complete(
            {
                "rate": 10 ** random.uniform(-4, 0),
                "size": 2 ** random.uniform(-1, 1),
                "decay": random.random(),
            }
        )
        scores = {epoch: sign * tells(params, epoch) for epoch in (4, 8, LONGEST)}
        found.append(Earlier(params, scores, {}))
    return tuple(found)


class Until:
    """A strategy that ends once a score is reached."""

    def __init__(self, strategy, good):
        self._strategy, self._good, self._best = strategy, good, -math.inf

    def ask(self, spent_j):
        return None if self._best >= self._good else self._strategy.ask(spent_j)

    def tell(self, result):
        self._strategy.tell(result)
        self._best = max(self._best, -math.inf if result.score is None else result.score)


def expected_j(name, score, n_seeds, budget_j=480.0, **terms):
    """Joules to a good score if runs are restarted until one gets there."""
    objective, spent_j, hits = MadeUp(score), 0.0, 0
    for seed in range(n_seeds):
        given = Terms(budget_j, seed, **terms)
        strategy = Until(maker(RECIPES[name].build, objective, given)(), GOOD)
        run = simulate(strategy, objective, given)
        assert not run.error
        spent_j += run.slices[-1].spent_j
        hits += any(s.score >= GOOD for s in run.slices)
    return spent_j / hits
