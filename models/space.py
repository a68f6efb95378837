"""The hyperparameters that a search may vary, and those that it keeps.

A space is read from what a user writes:

    >>> space = Space.parse(
    ...     {
    ...         "learning_rate": {"low": 1e-4, "high": 0.1, "log": True},
    ...         "kernel_size": [3, 5],
    ...         "epochs": 4,
    ...     }
    ... )
    >>> sorted(space.distributions)
    ['kernel_size', 'learning_rate']
    >>> space.cheapest()
    {'learning_rate': 0.0001, 'kernel_size': 3, 'epochs': 4}
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, ClassVar

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ..errors import ConfigurationError, UnknownNameError

Scalar = bool | int | float | str

LOG2_BATCH_SIZE, BATCH_SIZE, DEFAULT_BATCH_SIZE = "log2_batch_size", "batch_size", 64

_NUMERIC_KEYS = ("type", "low", "high", "log", "step")
_KEYS = {
    "float": _NUMERIC_KEYS,
    "int": _NUMERIC_KEYS,
    "categorical": ("type", "choices"),
}
# YAML 1.1 reads `1e-4` as text, since it has no dot.
_EXPONENT_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")


@dataclass(frozen=True)
class Space:
    """What a search may choose, as Optuna distributions, and what it must keep."""

    distributions: dict[str, BaseDistribution]  # of each hyperparameter that is searched
    fixed: dict[str, Scalar]  # the value of each that is not

    CHEAPER_WHEN_LARGER: ClassVar[frozenset[str]] = frozenset({LOG2_BATCH_SIZE, BATCH_SIZE})

    @classmethod
    def parse(cls, mapping: Mapping[str, Any]) -> Space:
        """Read a space from what a user writes.

        Args:
            mapping: For each hyperparameter an Optuna distribution, a mapping with `type` (float,
                int, categorical; may be left out), `low`, `high`, `log`, `step` or `choices`, a
                list (its choices), or one value (fixed).

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
        for name, given in mapping.items():
            if not isinstance(name, str):
                raise ConfigurationError(f"the hyperparameter name {name!r} is not text: quote it")
            entry: Any = given
            if isinstance(given, BaseDistribution):
                entry = _describe(given)
            elif isinstance(given, Sequence) and not isinstance(given, str):
                entry = {"choices": given}
            if isinstance(entry, Mapping):
                distributions[name] = _distribution(name, entry)
            else:
                fixed[name] = _scalar(name, entry)
        return cls(distributions, fixed)

    def to_mapping(self) -> dict[str, Any]:
        """The space in plain values, fit for JSON and YAML, that `parse` reads back."""
        searched = {name: _describe(each) for name, each in self.distributions.items()}
        return {**searched, **self.fixed}

    def complete(self, params: Mapping[str, Any]) -> dict[str, Scalar]:
        """The full set of hyperparameters of one candidate, in Python's own types.

        Args:
            params: A value for each searched hyperparameter; fixed ones may be repeated.

        Raises:
            UnknownNameError: A name is not in the space.
            ConfigurationError: A value is missing, or outside its distribution.
        """
        complete: dict[str, Scalar] = {}
        known = [*self.distributions, *self.fixed]
        for name in params:
            if name not in known:
                raise UnknownNameError("hyperparameter", name, known)
        for name, distribution in self.distributions.items():
            if name not in params:
                raise ConfigurationError(f"hyperparameter {name!r} has no value: give one")
            complete[name] = _value_inside(name, distribution, params[name])
        for name, value in self.fixed.items():
            if params.get(name, value) != value:
                raise ConfigurationError(
                    f"{name} = {params[name]!r}, but the space fixes it at {value!r}: leave it out"
                )
            complete[name] = value
        return complete

    def longest(self) -> int:
        """The most epochs that a candidate may have; 1 in a space without epochs."""
        distribution = self.distributions.get("epochs")
        if isinstance(distribution, CategoricalDistribution):
            return max(int(choice) for choice in distribution.choices if choice is not None)
        if isinstance(distribution, IntDistribution | FloatDistribution):
            return int(distribution.high)
        return int(self.fixed.get("epochs", 1))

    def with_fixed(self, name: str, value: Scalar) -> Space:
        """The same space with one hyperparameter fixed."""
        rest = {n: d for n, d in self.distributions.items() if n != name}
        return Space(rest, {**self.fixed, name: value})

    def cheapest(self) -> dict[str, Scalar]:
        """The candidate that should cost least: the low corner, and each first choice."""
        return self._corner(lambda name: name in self.CHEAPER_WHEN_LARGER)

    def heaviest(self) -> dict[str, Scalar]:
        """The candidate whose single step should cost most: the high corner, each last choice."""
        return self._corner(lambda _: True)

    def _corner(self, takes_high: Callable[[str], bool]) -> dict[str, Scalar]:
        """The candidate at one end of each distribution."""
        corner: dict[str, Any] = {}
        for name, distribution in self.distributions.items():
            if isinstance(distribution, CategoricalDistribution):
                corner[name] = distribution.choices[-1 if takes_high(name) else 0]
            elif isinstance(distribution, IntDistribution | FloatDistribution):
                corner[name] = distribution.high if takes_high(name) else distribution.low
        return self.complete(corner)


def batch_size_of(params: Mapping[str, Any]) -> int:
    """Samples per step of a candidate's training, which has one of the two sizes at most."""
    if (exponent := params.get(LOG2_BATCH_SIZE)) is not None:
        return 2**exponent
    size = params.get(BATCH_SIZE)
    return DEFAULT_BATCH_SIZE if size is None else size


def _value_inside(name: str, distribution: BaseDistribution, value: Any) -> Scalar:
    """The value in Python's own type, if the distribution contains it."""
    try:
        internal = distribution.to_internal_repr(value)
        if distribution._contains(internal):
            return distribution.to_external_repr(internal)
    except ValueError:
        pass  # no number, or none of the choices
    raise ConfigurationError(
        f"{name} = {value!r} lies outside {_describe(distribution)}: choose a value inside, or "
        "widen the space"
    )


def _describe(distribution: BaseDistribution) -> dict[str, Any]:
    """A distribution in plain values, without the keys that hold their defaults."""
    if isinstance(distribution, CategoricalDistribution):
        return {"type": "categorical", "choices": list(distribution.choices)}
    if isinstance(distribution, IntDistribution):
        kind, default_step = "int", 1
    elif isinstance(distribution, FloatDistribution):
        kind, default_step = "float", None
    else:
        raise ConfigurationError(
            f"{type(distribution).__name__} is not supported: use Optuna's FloatDistribution, "
            "IntDistribution or CategoricalDistribution"
        )
    plain: dict[str, Any] = {"type": kind, "low": distribution.low, "high": distribution.high}
    log = {"log": True} if distribution.log else {}
    step = {} if distribution.step == default_step else {"step": distribution.step}
    return {**plain, **log, **step}


def _distribution(name: str, entry: Mapping[str, Any]) -> BaseDistribution:
    """The distribution that a mapping describes."""
    kind = entry.get("type", _inferred_type(entry))
    if kind not in _KEYS:
        raise ConfigurationError(f"{name}: type {kind!r} is none of {', '.join(_KEYS)}")
    for key in entry:
        if key not in _KEYS[kind]:
            near = get_close_matches(str(key), _KEYS[kind], n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigurationError(
                f"{name}: unknown key {key!r}: {hint}(a {kind} has {', '.join(_KEYS[kind])})"
            )
    return _categorical(name, entry) if kind == "categorical" else _numeric(name, kind, entry)


def _inferred_type(entry: Mapping[str, Any]) -> str:
    if "choices" in entry:
        return "categorical"
    bounds = [_exact(entry.get(key)) for key in ("low", "high", "step")]
    return "float" if any(isinstance(bound, float) for bound in bounds) else "int"


def _categorical(name: str, entry: Mapping[str, Any]) -> CategoricalDistribution:
    choices = entry.get("choices")
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
        raise ConfigurationError(f"{name}: choices {choices!r} must be a list of at least one")
    values = [_scalar(name, choice) for choice in choices]
    # Optuna compares choices by ==, for which 1, 1.0 and True are one.
    if len(set(values)) < len(values):
        raise ConfigurationError(f"{name}: choices {values} hold the same value twice: drop one")
    return CategoricalDistribution(values)


def _numeric(name: str, kind: str, entry: Mapping[str, Any]) -> BaseDistribution:
    log = entry.get("log", False)
    if not isinstance(log, bool):
        raise ConfigurationError(f"{name}: log {log!r} must be true or false")
    low, high = (_number(name, kind, key, entry.get(key)) for key in ("low", "high"))
    step = entry.get("step")
    if low > high:
        raise ConfigurationError(f"{name}: low {low} is above high {high}: swap them")
    if log and low <= 0:
        raise ConfigurationError(f"{name}: log needs low above 0, not {low}: raise it or drop log")
    if log and step is not None:
        raise ConfigurationError(f"{name}: log and step exclude each other: drop one")
    if step is not None:
        step = _number(name, kind, "step", step)
        if step <= 0:
            raise ConfigurationError(f"{name}: step {step} must be above 0")
        n_steps = (high - low) / step
        if not math.isclose(n_steps, round(n_steps), abs_tol=1e-8):
            raise ConfigurationError(
                f"{name}: steps of {step} from {low} do not reach {high}: "
                f"set high to {low + math.floor(n_steps) * step}"
            )
    if kind == "int":
        return IntDistribution(int(low), int(high), log=log, step=int(step or 1))
    return FloatDistribution(low, high, log=log, step=step)


def _number(name: str, kind: str, key: str, value: Any) -> float:
    """A finite bound or step, whole when the type is int."""
    if value is None:
        raise ConfigurationError(f"{name}: {key} is missing: a {kind} needs low and high")
    number = _exact(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise ConfigurationError(f"{name}: {key} {value!r} must be a finite number")
    if kind == "int" and number != int(number):
        raise ConfigurationError(f"{name}: {key} {value!r} must be whole, or set type to 'float'")
    return int(number) if kind == "int" else float(number)


def _scalar(name: str, value: Any) -> Scalar:
    """A fixed value or a choice: true, false, a finite number or text."""
    exact = _exact(value)
    if not isinstance(exact, Scalar) or (isinstance(exact, float) and not math.isfinite(exact)):
        raise ConfigurationError(
            f"{name}: {value!r} must be true, false, a finite number or text "
            "(for 'none', write it as text)"
        )
    return exact


def _exact(value: Any) -> Any:
    """The value in Python's own type: NumPy scalars unwrapped, `"1e-4"` read as the number."""
    if isinstance(value, str):
        return float(value) if _EXPONENT_NUMBER.fullmatch(value) else str(value)
    return value.item() if hasattr(value, "item") else value
