"""A grid of a conditional space as plain grids: one for each choice of what others depend on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...models.conditions import is_one_of
from ...models.space import Space

Axes = Mapping[str, Sequence[Any]]


class Branch(NamedTuple):
    """The part of a grid in which the same hyperparameters count."""

    held: Mapping[str, Any]  # of those that others depend on: the value, None where inactive
    axes: Axes  # the levels of all others that are active


def parents(space: Space) -> set[str]:
    """The searched hyperparameters that others depend on."""
    named = {parent for condition in space.conditions.values() for parent in condition}
    return named & space.distributions.keys()


def branches(space: Space, axes: Axes) -> Iterator[Branch]:
    """The branches of a grid; no candidate is in two of them.

    Args:
        space: The space; without conditions its grid is one branch.
        axes: The levels of each searched hyperparameter, without repeats.
    """
    deciding = parents(space)
    order = [name for name in space.order if name in deciding]

    def held(chosen: dict[str, Any], names: Sequence[str]) -> Iterator[dict[str, Any]]:
        if not names:
            yield chosen
            return
        name = names[0]
        for level in axes[name] if name in space.active(chosen) else [None]:
            yield from held({**chosen, name: level}, names[1:])

    for chosen in held({}, order):
        active = space.active(chosen) - deciding
        yield Branch(chosen, {name: levels for name, levels in axes.items() if name in active})


def asked_for(space: Space, name: str) -> list[Any]:
    """The values of a hyperparameter that conditions name, without repeats."""
    found: list[Any] = []
    for condition in space.conditions.values():
        found += [each for each in condition.get(name, ()) if not is_one_of(each, found)]
    return found
