"""The space that a table searched, where nobody says it: read off its hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from ...models.space import Space
from ...tuners.parts.branches import asked_for, branches, parents
from .dimensions import MOST_LEVELS

LOG_RATIO = 100.0
"""A range above zero that spans as much is taken for one on a log scale."""
_OTHER = object()
_SHOWN = 8  # choices in a sentence


def infer_space(values: Mapping[str, Sequence[Any]]) -> Space:
    """The space that recorded candidates were chosen from, every one of them inside.

    One value is fixed; text and truth values are choices; numbers on a grid are a range of whole
    steps if they are whole and evenly spaced, else choices; other numbers are a range, on a log
    scale where it spans two decades. What is None in some is conditional (`tell_missing`).

    Args:
        values: The recorded values of each hyperparameter, None where it was inactive.
    """
    values = tell_missing(values)
    conditions = _learn_conditions(values)
    return Space.parse({n: _entry(list(column), conditions.get(n)) for n, column in values.items()})


def tell_missing(values: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The values, in which choices tell all that is None.

    Where a hyperparameter is None whenever one or two others have certain values, these tell it.
    Elsewhere it gets a companion, ``NAME_given``, a choice of its own between None and a value.
    What is None throughout is left out.
    """
    told = {n: column for n, column in values.items() if any(each is not None for each in column)}
    learnt = _learn_conditions(told)
    for name in list(told):
        if None in values[name] and name not in learnt:
            told[f"{name}_given"] = [each is not None for each in values[name]]
    return told


def describe(space: Space) -> str:
    """What is searched, in words: every dimension with its range or its choices."""
    told = []
    for name, axis in space.distributions.items():
        if isinstance(axis, CategoricalDistribution):
            choices = [*map(str, axis.choices)]
            more = f" and {len(choices) - _SHOWN} more" if len(choices) > _SHOWN else ""
            told.append(f"{name} ({', '.join(choices[:_SHOWN])}{more})")
        elif isinstance(axis, FloatDistribution | IntDistribution):
            told.append(f"{name} ({axis.low:g} to {axis.high:g}{', log' if axis.log else ''})")
    return ", ".join(told)


def n_points(space: Space) -> int | None:
    """How many candidates a space holds; None if it has a range without steps."""
    sizes: dict[str, int] = {}
    for name, axis in space.distributions.items():
        if isinstance(axis, CategoricalDistribution):
            sizes[name] = len(axis.choices)
        elif isinstance(axis, IntDistribution) and not axis.log:
            sizes[name] = (axis.high - axis.low) // axis.step + 1
        elif isinstance(axis, FloatDistribution) and axis.step is not None:
            sizes[name] = round((axis.high - axis.low) / axis.step) + 1
        else:
            return None
    axes: dict[str, Sequence[Any]] = {name: range(size) for name, size in sizes.items()}
    others: dict[str, int] = {}
    for name in parents(space):
        # Values that no condition names are all alike, however many there are.
        named = asked_for(space, name)
        others[name] = sizes[name] - len(named)
        axes[name] = [*named, *([_OTHER] if others[name] else [])]
    return sum(
        math.prod(others[name] for name, value in branch.held.items() if value is _OTHER)
        * math.prod(map(len, branch.axes.values()))
        for branch in branches(space, axes)
    )


def _learn_conditions(values: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, list[Any]]]:
    """The conditions of those that are None whenever one or two others have certain values."""
    found: dict[str, dict[str, list[Any]]] = {}
    open_names = [name for name, column in values.items() if None in column]
    decided = [name for name in values if name not in open_names]
    while True:
        learnt = {n: c for n in open_names if (c := _condition(values, n, decided))}
        if not learnt:
            return found
        found |= learnt
        decided += learnt
        open_names = [name for name in open_names if name not in learnt]


def _condition(
    values: Mapping[str, Sequence[Any]], name: str, decided: Sequence[str]
) -> dict[str, list[Any]] | None:
    """The simplest condition on others under which a hyperparameter has a value; None if none."""
    present = [each is not None for each in values[name]]
    levels = {each: _levels(values[each]) for each in decided}
    few = [each for each, own in levels.items() if own and len(own) <= MOST_LEVELS]
    few.sort(key=lambda each: (None in values[each], len(levels[each] or ())))
    for parents_ in (*combinations(few, 1), *combinations(few, 2)):
        columns = [values[parent] for parent in parents_]
        with_value = [{v for v, has in zip(c, present, strict=True) if has} for c in columns]
        rows = zip(*columns, strict=True)
        holds = [all(v in own for v, own in zip(row, with_value, strict=True)) for row in rows]
        if holds == present and not any(None in own for own in with_value):
            return {
                parent: [level for level in levels[parent] or () if level in own]
                for parent, own in zip(parents_, with_value, strict=True)
            }
    return None


def _entry(values: list[Any], condition: Mapping[str, Any] | None) -> Any:
    """A hyperparameter as a space has it."""
    axis = _axis([value for value in values if value is not None])
    if condition is None:
        return axis
    return {**(axis if isinstance(axis, dict) else {"value": axis}), "when": condition}


def _levels(values: Sequence[Any]) -> list[Any] | None:
    """The values of what was chosen from a list or a grid; None for a range or a single value."""
    known = [value for value in values if value is not None]
    distinct = set(known)
    if len(distinct) <= 1:
        return None
    if any(isinstance(value, bool | str) for value in distinct):
        return sorted(distinct, key=lambda value: (str(type(value)), value))
    is_grid = len(distinct) <= MOST_LEVELS and 2 * len(distinct) <= len(known)
    return sorted(distinct) if is_grid else None


def _axis(values: list[Any]) -> Any:
    distinct = set(values)
    if len(distinct) == 1:
        return values[0]
    if levels := _levels(values):
        is_number = not any(isinstance(level, bool | str) for level in levels)
        return _grid(levels) if is_number else {"choices": levels}
    low, high = min(distinct), max(distinct)
    whole = all(isinstance(level, int) for level in distinct)
    log = low > 0 and high / low >= LOG_RATIO
    return {"type": "int" if whole else "float", "low": low, "high": high, "log": log}


def _grid(levels: list[int | float]) -> dict[str, Any]:
    steps = {after - before for before, after in pairwise(levels)}
    whole = all(isinstance(level, int) for level in levels)
    if whole and len(steps) == 1:
        return {"type": "int", "low": levels[0], "high": levels[-1], "step": steps.pop()}
    return {"choices": levels}
