"""Grid search: all combinations of a few levels per hyperparameter, shuffled or cheapest first.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 32, "log": True}, "epochs": 2})
    >>> strategy = GridStrategy(space, seed=0, order="cheapest")
    >>> while (work := strategy.ask(spent_j=0.0)) is not None:
    ...     print(work.params)
    ...     strategy.tell(Told(work.params, State.COMPLETE, score=0.9, energy_j=1.0))
    {'width': 8, 'epochs': 2}
    {'width': 16, 'epochs': 2}
    {'width': 32, 'epochs': 2}

When to use it: as the baseline everybody knows. It is shuffled by default, because a budget that
ends in the middle of an ordered grid has seen one corner of the space. Cheapest first gives many
small networks for the joules of a few large ones, and is a start for judging more. The grid is
enumerated here because Optuna's `GridSampler` raises from `tell` on its last point.

Formula: the level j of n on a range; a choice has all its values, the grid is their product:

    x_j = low + (high - low) j / (n - 1)        on a log scale: low (high / low)^(j / (n - 1))

What it promises: each candidate once, without ever listing the grid: where a hyperparameter is
inactive, its levels make no difference and count as one. The points in rising cost come
from a heap that holds the neighbours of the points proposed, a few per trial, and gives the
cheapest. That is exact where no step up an axis makes a candidate cheaper, whatever its other
values; axes are therefore sorted by predicted cost first, each with the others at one corner. Where
choices interact (a layer that is large with one setting and small with another) a point may come
somewhat late.
"""

from __future__ import annotations

import math
import operator
import random
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from heapq import heappop, heappush, merge
from itertools import accumulate
from typing import Any, Literal, get_args

import numpy as np
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ...errors import ConfigurationError
from ...models.conditions import is_one_of
from ...models.foresight import training_operations
from ...models.space import BATCH_SIZE, LOG2_BATCH_SIZE, Space, batch_size_of
from ..parts.branches import Axes, Branch, asked_for, branches, parents
from ..parts.in_order import OutOfOrder
from ..strategy import Task

DEFAULT_LEVELS = 3

Order = Literal["shuffled", "cheapest"]
Cost = Callable[[tuple[int, ...]], float]  # of a point, by its levels
Price = Callable[[Mapping[str, Any]], float]  # of a candidate, by its hyperparameters


class GridStrategy(OutOfOrder):
    """Every point of a grid once, each trained for its own epochs.

    Args:
        levels: Values per numeric hyperparameter, spread evenly (on its log scale if it has one)
            with both ends; categorical ones take all their choices.
        order: ``"shuffled"``, or ``"cheapest"`` for rising predicted operations of the training,
            equally cheap points shuffled, or rising joules where ``task.energy_of`` foretells
            them; where networks cannot be built, for rising values, as `Space.cheapest` sees them.

    Raises:
        ConfigurationError: There is no such order.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        task: Task | None = None,
        *,
        levels: int = DEFAULT_LEVELS,
        order: Order = "shuffled",
    ) -> None:
        if order not in get_args(Order):
            known = ", ".join(get_args(Order))
            raise ConfigurationError(f"the grid has no order {order!r}: choose from {known}")
        axes = {n: axis_levels(d, levels) for n, d in space.distributions.items()}
        for name in parents(space):
            # Without the levels that others depend on, these would never be searched.
            missing = (v for v in asked_for(space, name) if not is_one_of(v, axes[name]))
            if not isinstance(space.distributions[name], CategoricalDistribution):
                axes[name] = sorted([*axes[name], *missing])
        generator = random.Random(seed)
        grids = list(branches(space, axes))
        points = _shuffled(grids, generator)
        if order == "cheapest":
            points = _cheapest_first(space, axes, grids, task or Task(), generator)
        super().__init__(map(space.complete, points))


def axis_levels(distribution: BaseDistribution, levels: int) -> list[bool | int | float | str]:
    """The values of one axis of the grid, in rising order without repeats."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)  # type: ignore[arg-type]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    count = levels if high > low else 1
    spread = np.geomspace if distribution.log else np.linspace
    values = [float(value) for value in spread(low, high, count)]
    if step is not None and not distribution.log:
        values = [low + round((value - low) / step) * step for value in values]
    # A rounding error at the ends would fall out of the distribution.
    inside = {min(max(value, low), high) for value in values}
    if isinstance(distribution, IntDistribution):
        return sorted({round(value) for value in inside})
    return sorted(inside)


def _shuffled(grids: Sequence[Branch], generator: random.Random) -> Iterator[dict[str, Any]]:
    """The points of all grids in random order."""
    ends = list(accumulate(math.prod(map(len, grid.axes.values())) for grid in grids))
    seen: set[int] = set()
    while len(seen) < ends[-1]:
        index = generator.randrange(ends[-1])
        if index in seen:
            continue
        seen.add(index)
        place = bisect(ends, index)
        grid = grids[place]
        index -= ends[place - 1] if place else 0
        point = []
        for levels in grid.axes.values():
            index, level = divmod(index, len(levels))
            point.append(level)
        yield {**grid.held, **_values(grid.axes, point)}


def _cheapest_first(
    space: Space, axes: Axes, grids: Sequence[Branch], task: Task, generator: random.Random
) -> Iterator[dict[str, Any]]:
    """The points in rising cost; those that differ in what costs nothing in random order."""
    price = _price(task, space)

    def rising(grid: Branch) -> Iterator[tuple[float, Branch]]:
        """The points of one grid and what each costs; those that cost the same are one branch."""
        if price is None:
            priced, free, cost = _by_value(axes, grid)
        else:
            priced, free, cost = _by_price(space, grid, price)
        sizes = [len(levels) for levels in priced.values()]
        for cost_of_it, point in _rising(sizes, cost, generator):
            yield cost_of_it, Branch({**grid.held, **_values(priced, point)}, free)

    for _, alike in merge(*map(rising, grids), key=lambda each: each[0]):
        yield from _shuffled([alike], generator)


def _values(axes: Axes, point: Sequence[int]) -> dict[str, Any]:
    return {name: levels[level] for (name, levels), level in zip(axes.items(), point, strict=True)}


def _rising(
    sizes: list[int], cost: Cost, generator: random.Random
) -> Iterator[tuple[float, tuple[int, ...]]]:
    """Costs and indices of a grid in rising cost, equal ones in random order.

    Each point is reached from one other, a step down its last axis not at 0, so none comes twice.
    """
    start = (0,) * len(sizes)
    heap: list[tuple[float, float, tuple[int, ...], int]] = [(cost(start), 0.0, start, 0)]
    while heap:
        price, _, point, last = heappop(heap)
        yield price, point
        for axis in range(last, len(sizes)):
            if point[axis] + 1 < sizes[axis]:
                above = (*point[:axis], point[axis] + 1, *point[axis + 1 :])
                heappush(heap, (cost(above), generator.random(), above, axis))


def _by_value(axes: Axes, grid: Branch) -> tuple[Axes, Axes, Cost]:
    """All axes, cheap end first, no free ones, and how far up them a point lies."""
    ordered = {
        name: levels[::-1] if name in Space.CHEAPER_WHEN_LARGER else levels
        for name, levels in axes.items()
    }
    spans = {name: max(len(levels) - 1, 1) for name, levels in ordered.items()}
    whole = math.lcm(*spans.values())  # the length of every axis, so that ties are exact
    priced = {name: ordered[name] for name in grid.axes}
    steps = [whole // spans[name] for name in priced]
    held = sum(
        ordered[name].index(value) * whole // spans[name]
        for name, value in grid.held.items()
        if value is not None
    )
    return priced, {}, lambda point: held + sum(map(operator.mul, point, steps))


def _by_price(space: Space, grid: Branch, price: Price) -> tuple[Axes, Axes, Cost]:
    """The axes that change the price, cheap end first, those that do not, and a point's price."""
    axes, corners = grid.axes, (space.cheapest(grid.held), space.heaviest(grid.held))
    priced: dict[str, Sequence[Any]] = {}
    for name, levels in axes.items():
        # What makes no difference to the smallest network may make one to the largest.
        for corner in corners:
            costs = [price({**corner, name: level}) for level in levels]
            if len(set(costs)) > 1:
                order = sorted(range(len(levels)), key=costs.__getitem__)
                priced[name] = [levels[index] for index in order]
                break
    free = {name: levels for name, levels in axes.items() if name not in priced}
    return priced, free, lambda point: price({**corners[0], **_values(priced, point)})


def _price(task: Task, space: Space) -> Price | None:
    """What training a candidate takes: joules if they can be foretold, else operations."""
    if (energy_of := task.energy_of) is not None:
        return lambda params: math.inf if (energy_j := energy_of(params)) is None else energy_j
    return None if task.cost_of is None else _operations(task, space)


def _operations(task: Task, space: Space) -> Price:
    """Predicts the operations of training a candidate; infinite if its network cannot be built."""
    pacing = ("epochs", LOG2_BATCH_SIZE, BATCH_SIZE)
    shaping = [name for name in space.distributions if name not in pacing]
    # Building a network takes milliseconds, and all runs ask for the same ones.
    known: dict[tuple[Any, ...], tuple[float, float]]
    known = task.shared.setdefault((GridStrategy, repr(space)), {})

    def operations(params: Mapping[str, Any]) -> float:
        key = tuple(params[name] for name in shaping)
        if key not in known:
            assert task.cost_of is not None
            try:
                known[key] = task.cost_of(params)
            except Exception:  # noqa: BLE001 - the network may be the user's, and raise anything
                known[key] = math.inf, math.inf
        forward, weights = known[key]
        n_steps = math.ceil(task.n_samples / batch_size_of(params))
        return int(params["epochs"]) * training_operations(
            forward, weights, task.n_samples, n_steps
        )

    return operations
