"""The hyperparameters that a search may vary, and those that it keeps.

A space is read from what a user writes. A hyperparameter may be a range, a choice or fixed, and it
may count only ``when`` others have certain values:

    >>> space = Space.parse(
    ...     {
    ...         "optimizer": ["adam", "sgd"],
    ...         "learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
    ...         "momentum": {"low": 0.1, "high": 0.99, "when": {"optimizer": "sgd"}},
    ...         "beta1": {"value": 0.9, "when": {"optimizer": ["adam"]}},
    ...         "epochs": 4,
    ...     }
    ... )
    >>> sorted(space.distributions)
    ['learning_rate', 'momentum', 'optimizer']

Where it does not count it is inactive, and None in every candidate:

    >>> space.cheapest()
    {'optimizer': 'adam', 'learning_rate': 0.0001, 'momentum': None, 'beta1': 0.9, 'epochs': 4}
    >>> space.complete({"optimizer": "sgd", "learning_rate": 0.01, "momentum": 0.5})
    {'optimizer': 'sgd', 'learning_rate': 0.01, 'momentum': 0.5, 'beta1': None, 'epochs': 4}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ..errors import ConfigurationError, UnknownNameError
from .axes import Scalar, describe, read_axis, value_inside
from .conditions import Condition, in_order, in_words, is_one_of, read_conditions

LOG2_BATCH_SIZE, BATCH_SIZE, DEFAULT_BATCH_SIZE = "log2_batch_size", "batch_size", 64

Params = dict[str, Scalar | None]
"""A candidate: the value of every hyperparameter, None where it is inactive."""


@dataclass(frozen=True)
class Space:
    """What a search may choose, as Optuna distributions, and what it must keep.

    A hyperparameter with a condition is active where every other one that the condition names is
    active and has one of the values listed. In a candidate an inactive one is there and None, never
    0: strategies and objectives of your own that read ``params[name]`` must expect it.
    """

    distributions: dict[str, BaseDistribution]  # of each hyperparameter that is searched
    fixed: dict[str, Scalar]  # the value of each that is not
    conditions: dict[str, Condition] = field(default_factory=dict)  # of those that have one

    CHEAPER_WHEN_LARGER: ClassVar[frozenset[str]] = frozenset({LOG2_BATCH_SIZE, BATCH_SIZE})

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Space:
        """Read a space from what a user writes.

        Args:
            mapping: For each hyperparameter an Optuna distribution, a mapping with `type` (float,
                int, categorical; may be left out), `low`, `high`, `log`, `step` or `choices`, a
                list (its choices), or one value (fixed). A mapping, also one with `value`, may have
                `when`: by other hyperparameter the value or the list of values that it must have.

        Raises:
            ConfigurationError: A hyperparameter cannot be read; the message names it.
        """
        if not isinstance(mapping, Mapping) or not mapping:
            raise ConfigurationError(
                "the space is empty: list hyperparameters, such as 'learning_rate': "
                "{'low': 1e-4, 'high': 0.1, 'log': True}"
            )
        distributions: dict[str, BaseDistribution] = {}
        fixed: dict[str, Scalar] = {}
        written: dict[str, Any] = {}
        for name, given in mapping.items():
            if not isinstance(name, str):
                raise ConfigurationError(f"the hyperparameter name {name!r} is not text: quote it")
            axis, when = read_axis(name, given)
            if isinstance(axis, BaseDistribution):
                distributions[name] = axis
            else:
                fixed[name] = axis
            if when is not None:
                written[name] = when
        return cls(distributions, fixed, read_conditions(written, distributions, fixed))

    def to_mapping(self) -> dict[str, Any]:
        """The space in plain values, fit for JSON and YAML, that `parse` reads back."""
        plain: dict[str, Any] = {name: describe(each) for name, each in self.distributions.items()}
        plain |= self.fixed
        for name, condition in self.conditions.items():
            when = {p: v[0] if len(v) == 1 else list(v) for p, v in condition.items()}
            entry = plain[name] if name in self.distributions else {"value": plain[name]}
            plain[name] = {**entry, "when": when}
        return plain

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All hyperparameters, each after those that its condition is on."""
        return in_order([*self.distributions, *self.fixed], self.conditions)

    def active(self, params: Mapping[str, Any]) -> set[str]:
        """The hyperparameters that count beside these values, whether they have one or not."""
        values = {**params, **self.fixed}
        active: set[str] = set()
        for name in self.order:
            if all(
                parent in active and is_one_of(values.get(parent), allowed)
                for parent, allowed in self.conditions.get(name, {}).items()
            ):
                active.add(name)
        return active

    def activate(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The values without those of inactive hyperparameters, so that `complete` takes them.

        For who draws a value for every hyperparameter, whether it counts or not.
        """
        inactive = self.conditions.keys() - self.active(params)
        return {name: value for name, value in params.items() if name not in inactive}

    def complete(self, params: Mapping[str, Any]) -> Params:
        """The full set of hyperparameters of one candidate, in Python's own types.

        Args:
            params: A value for each searched hyperparameter that is active; fixed ones may be
                repeated. Inactive ones are None, or left out.

        Raises:
            UnknownNameError: A name is not in the space.
            ConfigurationError: A value is missing, outside its distribution, or inactive.
        """
        known = [*self.distributions, *self.fixed]
        for name in params:
            if name not in known:
                raise UnknownNameError("hyperparameter", name, known)
        active = self.active(params)
        complete: Params = dict.fromkeys(known)
        for name in self.order:
            given = params.get(name)
            if name not in active:
                if given is not None:
                    raise ConfigurationError(
                        f"{name} = {given!r}, but it counts only where "
                        f"{in_words(self.conditions[name])}: leave it out"
                    )
            elif name in self.fixed:
                complete[name] = self._fixed_value(name, params)
            elif given is None:
                raise ConfigurationError(f"hyperparameter {name!r} has no value: give one")
            else:
                complete[name] = value_inside(name, self.distributions[name], given)
        return complete

    def _fixed_value(self, name: str, params: Mapping[str, Any]) -> Scalar:
        value = self.fixed[name]
        if params.get(name, value) != value:
            raise ConfigurationError(
                f"{name} = {params[name]!r}, but the space fixes it at {value!r}: leave it out"
            )
        return value

    def longest(self) -> int:
        """The most epochs that a candidate may have; 1 in a space without epochs."""
        distribution = self.distributions.get("epochs")
        if isinstance(distribution, CategoricalDistribution):
            return max(int(choice) for choice in distribution.choices if choice is not None)
        if isinstance(distribution, IntDistribution | FloatDistribution):
            return int(distribution.high)
        return int(self.fixed.get("epochs", 1))

    def check_epochs(self) -> None:
        """Make sure that a candidate may have so many epochs.

        Raises:
            ConfigurationError: Some number of them is no whole number above zero.
        """
        axis = self.distributions.get("epochs", self.fixed.get("epochs", 1))
        if isinstance(axis, CategoricalDistribution):
            values = axis.choices
        elif isinstance(axis, BaseDistribution):
            values = (axis.low, axis.high) if isinstance(axis, IntDistribution) else (None,)
        else:
            values = (axis,)
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                what = "a range of fractions" if value is None else repr(value)
                raise ConfigurationError(f"epochs = {what}: take whole numbers from 1 up")

    def with_fixed(self, name: str, value: Scalar) -> Space:
        """The same space with one hyperparameter fixed, in every candidate."""
        rest = {n: d for n, d in self.distributions.items() if n != name}
        conditions = {n: c for n, c in self.conditions.items() if n != name}
        return Space(rest, {**self.fixed, name: value}, conditions)

    def cheapest(self, given: Mapping[str, Any] | None = None) -> Params:
        """The candidate that should cost least: the low corner, and each first choice.

        Args:
            given: Values that it shall have instead.
        """
        return self._corner(lambda name: name in self.CHEAPER_WHEN_LARGER, given or {})

    def heaviest(self, given: Mapping[str, Any] | None = None) -> Params:
        """The candidate whose single step should cost most: the high corner, each last choice."""
        return self._corner(lambda _: True, given or {})

    def _corner(self, takes_high: Callable[[str], bool], given: Mapping[str, Any]) -> Params:
        """The candidate at one end of each distribution."""
        corner: dict[str, Any] = {}
        for name, distribution in self.distributions.items():
            if isinstance(distribution, CategoricalDistribution):
                corner[name] = distribution.choices[-1 if takes_high(name) else 0]
            elif isinstance(distribution, IntDistribution | FloatDistribution):
                corner[name] = distribution.high if takes_high(name) else distribution.low
        return self.complete(self.activate({**corner, **given}))


def batch_size_of(params: Mapping[str, Any]) -> int:
    """Samples per step of a candidate's training, which has one of the two sizes at most."""
    if (exponent := params.get(LOG2_BATCH_SIZE)) is not None:
        return 2**exponent
    size = params.get(BATCH_SIZE)
    return DEFAULT_BATCH_SIZE if size is None else size
