"""When a hyperparameter counts: conditions on the values of others, all of which must hold."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from optuna.distributions import BaseDistribution, FloatDistribution

from ..errors import ConfigurationError
from .axes import Scalar, read_scalar, value_inside

Condition = Mapping[str, tuple[Scalar, ...]]
"""By hyperparameter, the values of which it must have one. It must be active, too."""


def is_one_of(value: Any, allowed: Iterable[Scalar]) -> bool:
    """Whether a value is among those of a condition; floats are alike up to rounding.

        >>> is_one_of(0.1 + 0.2, [0.3]), is_one_of(None, [0.3])
        (True, False)

    What steps of a range add up to differs from what a user writes in the last digit.
    """
    return any(
        value == each
        or (
            isinstance(value, float)
            and isinstance(each, int | float)
            and math.isclose(value, each, rel_tol=1e-9, abs_tol=1e-12)
        )
        for each in allowed
    )


def in_words(condition: Mapping[str, Any]) -> str:
    """A condition as people say it.

        >>> in_words({"optimizer": "sgd", "depth": [2, 3]})
        "optimizer is 'sgd' and depth is 2 or 3"

    Args:
        condition: By hyperparameter one value or several.
    """
    return " and ".join(
        f"{parent} is {' or '.join(map(repr, _listed(values)))}"
        for parent, values in condition.items()
    )


def read_conditions(
    written: Mapping[str, Any],
    distributions: Mapping[str, BaseDistribution],
    fixed: Mapping[str, Scalar],
) -> dict[str, Condition]:
    """Check what a user writes after ``when``, for each conditional hyperparameter of a space.

    Raises:
        ConfigurationError: A condition cannot be read, names what is not there, is circular, or can
            never hold; the message names the hyperparameter.
    """
    found: dict[str, Condition] = {}
    for name, when in written.items():
        if not isinstance(when, Mapping) or not when:
            raise ConfigurationError(
                f"{name}: when {when!r} must map other hyperparameters to one value or a list of "
                "values, such as {'optimizer': 'sgd'}"
            )
        found[name] = {
            parent: _values(name, parent, values, distributions, fixed)
            for parent, values in when.items()
        }
    in_order([*distributions, *fixed], found)
    for name in found:
        _refuse_impossible(name, found)
    return found


def in_order(names: Sequence[str], conditions: Mapping[str, Condition]) -> tuple[str, ...]:
    """The names in their order, but each after those that its condition is on.

    Raises:
        ConfigurationError: There is none, since conditions go in a circle.
    """
    if not conditions:
        return tuple(names)
    graph = TopologicalSorter({name: conditions.get(name, ()) for name in names})
    place = {name: index for index, name in enumerate(names)}
    order: list[str] = []
    try:
        graph.prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise ConfigurationError(
            f"conditions go in a circle: {circle}: drop the 'when' of one of these"
        ) from None
    waiting: list[str] = []
    while graph.is_active():
        waiting = sorted([*waiting, *graph.get_ready()], key=place.__getitem__)
        order.append(waiting.pop(0))
        graph.done(order[-1])
    return tuple(order)


def _values(
    name: str,
    parent: Any,
    given: Any,
    distributions: Mapping[str, BaseDistribution],
    fixed: Mapping[str, Scalar],
) -> tuple[Scalar, ...]:
    """The values of a parent that a condition asks for, as the parent has them."""
    if parent == name:
        raise ConfigurationError(f"{name}: its when names itself: name another hyperparameter")
    if "epochs" in (name, parent):
        raise ConfigurationError(
            f"{name}: when {parent!r}: epochs cannot be in a condition, for a training has some "
            "and may be stopped before its last: drop it"
        )
    if parent not in distributions and parent not in fixed:
        known = ", ".join(each for each in (*distributions, *fixed) if each != name)
        raise ConfigurationError(
            f"{name}: its when names {parent!r}, which the space lacks: choose from {known or '-'}"
        )
    values = [read_scalar(f"{name}: when {parent}", each) for each in _listed(given)]
    if not values:
        raise ConfigurationError(f"{name}: when {parent!r} has no value: list at least one")
    distribution = distributions.get(parent)
    if distribution is None:
        if not is_one_of(fixed[parent], values):
            raise ConfigurationError(
                f"{name}: can never be active, for the space fixes {parent} at {fixed[parent]!r}: "
                f"drop {name}, or make {parent} a choice"
            )
        return (fixed[parent],)
    if isinstance(distribution, FloatDistribution) and not (
        distribution.single() or distribution.step
    ):
        raise ConfigurationError(
            f"{name}: can never be active, for the range of {parent} hits no value exactly: give "
            f"{parent} a step or choices"
        )
    inside = [value_inside(f"{name}: when {parent}", distribution, value) for value in values]
    return tuple(dict.fromkeys(inside))


def _refuse_impossible(name: str, conditions: Mapping[str, Condition]) -> None:
    """Refuse a hyperparameter that asks, with what it depends on, for two values of one parent."""
    allowed: dict[str, list[Scalar]] = {}
    waiting = [name]
    while waiting:
        for parent, values in conditions.get(waiting.pop(), {}).items():
            if parent not in allowed:
                waiting.append(parent)
            allowed[parent] = [v for v in allowed.get(parent, values) if is_one_of(v, values)]
            if not allowed[parent]:
                raise ConfigurationError(
                    f"{name}: can never be active, for what it depends on asks for different "
                    f"values of {parent}: mend its when"
                )


def _listed(values: Any) -> list[Any]:
    is_list = isinstance(values, Sequence) and not isinstance(values, str)
    return list(values) if is_list else [values]
