"""CMA-ES: a cloud of candidates that moves to where scores rise, and takes its shape.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 2})
    >>> strategy = CmaesStrategy(space, seed=0)
    >>> for _ in range(40):
    ...     params = strategy.ask(spent_j=0.0).params
    ...     score = 1 - abs(params["width"] - 50) / 100
    ...     strategy.tell(Told(params, State.COMPLETE, score, energy_j=1.0))
    >>> abs(strategy.ask(spent_j=40.0).params["width"] - 50) < 10
    True

When to use it: where hyperparameters depend on each other, asks must cost next to nothing (0.2 ms
of CPU time in 8 dimensions, after SciPy's second of importing), and the budget lasts for more than
a few dozen trials: the cloud moves every 4 + 3 ln d trials in d dimensions.

Ranges are searched in the unit cube by the covariance matrix adaptation evolution strategy (Hansen
and Ostermeier, Evolutionary Computation 2001; parameters as in Hansen's tutorial, arXiv
1604.00772). Whole numbers keep a margin of probability on their neighbours, without which the cloud
would get stuck on one of them, and choices have probabilities of their own instead of an order that
they lack: CatCMA with Margin (Hamano et al., GECCO 2025, arXiv 2504.07884), from the library
`cmaes`.

Formula: a generation of candidates x, and how its better half moves the cloud (mean m, covariance
s^2 C, evolution path p, weights w by rank, y = (x - m) / s):

    x ~ m + s N(0, C),    m <- m + s sum w_i y_i
    C <- (1 - c_1 - c_mu) C + c_1 p p' + c_mu sum w_i y_i y_i'

What it promises: a proposal is a function of the space, the seed and the results, replayed in their
order. The cloud moves by true results alone: where several trials are trained at once, the last of
a generation are waited for. Optuna's ``CmaEsSampler`` keeps the state of its cloud in attributes of
its trials, which do not survive a rebuild from results: it would begin anew after each
interruption.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import CategoricalDistribution

from ...models.outcome import State
from ...models.space import Space
from ..parts.encoding import Array, Axis, Encoding
from ..strategy import Task, Told, Work, ask_seed

if TYPE_CHECKING:
    from cmaes import CatCMAwM

SIGMA = 0.2
"""Initial standard deviation in the unit cube. After 20 to 80 trials it is a little ahead of 0.3 as
in Hansen's tutorial (medians on 30 quadratic functions of 6 ordered dimensions and 2 choices)."""

MOST_LEVELS = 256  # axes of more values are searched as if they were continuous


class CmaesStrategy:
    """Maximises the validation score by CMA-ES, each candidate trained for its own epochs.

    Trials without a score count as worst. The search begins anew, from a seed of its own, when
    the cloud has shrunk to nothing or all of a generation have equal scores.
    """

    def __init__(self, space: Space, seed: int, task: Task | None = None) -> None:
        self._encoding = Encoding(space)
        self._axes = _Axes(self._encoding)
        self._seed, self._n_told = seed, 0
        self._search: CatCMAwM | None = None
        self._generation: list[CatCMAwM.Solution] = []
        self._results: dict[int, Told] = {}  # by place in the generation

    def ask(self, spent_j: float) -> Work | None:
        """Propose the next candidate of the generation; None while its last ones are in flight."""
        if not self._encoding.n_dimensions:
            params = self._encoding.decode(np.empty(0))
            return Work(params, int(params["epochs"]))
        self._draw()
        place = next(self._free_places(), None)
        if place is None:
            return None
        params = self._candidate(place)
        return Work(params, int(params["epochs"]))

    def tell(self, result: Told) -> None:
        """Learn a result; the last one of a generation moves the cloud."""
        if not self._encoding.n_dimensions:
            return
        self._draw()
        self._n_told += 1
        free = list(self._free_places())
        own = (place for place in free if self._candidate(place) == result.params)
        self._results[next(own, free[0])] = result
        if len(free) == 1 and not any(each.pending for each in self._results.values()):
            self._move()

    def _free_places(self) -> Iterator[int]:
        """Places in the generation of which no result was told."""
        return (n for n in range(len(self._generation)) if n not in self._results)

    def _candidate(self, place: int) -> dict[str, Any]:
        return self._encoding.decode(self._axes.point(self._generation[place]))

    def _draw(self) -> None:
        """Draw a generation, unless there is one."""
        if self._search is None:
            self._search = self._axes.search(ask_seed(self._seed, self._n_told))
        if not self._generation:
            self._generation = [self._search.ask() for _ in range(self._search.population_size)]

    def _move(self) -> None:
        """Tell the library a whole generation, by rank; ties share theirs in the order of drawing.

        Equal scores would make the library's penalty for leaving the cube 0 / 0.
        """
        assert self._search is not None
        told = [self._results[place] for place in range(len(self._generation))]
        scores = [None if each.state is State.FAILED else each.score for each in told]
        worst = min((each for each in scores if each is not None), default=0.0)
        losses = [-(worst if each is None else each) for each in scores]
        ranks = np.argsort(np.argsort(losses, kind="stable"))
        alike = len(set(losses)) == 1
        if not alike:
            self._search.tell(list(zip(self._generation, map(float, ranks), strict=True)))
        if alike or (self._axes.has_ranges and self._search.should_stop()):
            self._search = None
        self._generation, self._results = [], {}


class _Axes:
    """Shares the dimensions of the unit cube out among the library's three kinds."""

    def __init__(self, encoding: Encoding) -> None:
        self._real: list[int] = []
        self._whole: dict[int, list[float]] = {}
        self._choice: dict[int, int] = {}
        self._n_dimensions = encoding.n_dimensions
        anywhere = encoding.decode(np.full(self._n_dimensions, 0.5))
        for index, (name, axis) in enumerate(encoding.axes.items()):
            values = _values(axis)
            if isinstance(axis, CategoricalDistribution) or len(values) == 2:
                self._choice[index] = len(values)
            elif values:
                points = (encoding.unit({**anywhere, name: value}) for value in values)
                self._whole[index] = [float(point[index]) for point in points]
            else:
                self._real.append(index)
        self.has_ranges = bool(self._real or self._whole)  # whether any dimension has an order

    def search(self, seed: int) -> CatCMAwM:
        """A new cloud over the middle of the cube."""
        from cmaes import CatCMAwM

        n_ordered = len(self._real) + len(self._whole)
        return CatCMAwM(
            x_space=[[0.0, 1.0]] * len(self._real) or None,
            z_space=list(self._whole.values()) or None,
            c_space=list(self._choice.values()) or None,
            mean=np.full(n_ordered, 0.5),
            sigma=SIGMA,
            cov=np.eye(n_ordered),
            seed=seed,
        )

    def point(self, solution: CatCMAwM.Solution) -> Array:
        """A solution as a point of the unit cube, shape ``[n_dimensions]``."""
        point = np.empty(self._n_dimensions)
        if solution.x is not None:
            point[self._real] = solution.x
        if solution.z is not None:
            point[list(self._whole)] = solution.z
        if solution.c is not None:
            for (index, size), chosen in zip(self._choice.items(), solution.c, strict=True):
                point[index] = (np.argmax(chosen) + 0.5) / size
        return point


def _values(axis: Axis) -> list[Any]:
    """The values of an axis in rising order, none if they are too many or a continuum."""
    if isinstance(axis, CategoricalDistribution):
        return list(axis.choices)
    if axis.step is None:
        return []
    count = round((axis.high - axis.low) / axis.step) + 1
    return [] if count > MOST_LEVELS else [axis.low + i * axis.step for i in range(count)]
