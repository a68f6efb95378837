"""One hyperparameter of a space: read from what a user writes, and written back."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ..errors import ConfigurationError
from ..plain import is_finite_number

Scalar = bool | int | float | str

MOST_STEPS = 1e9  # of an axis: more are a range without steps
_NUMERIC_KEYS = ("type", "low", "high", "log", "step")
_KEYS = {
    "float": _NUMERIC_KEYS,
    "int": _NUMERIC_KEYS,
    "categorical": ("type", "choices"),
}
_WHEN = "when"  # a key that all may have
# YAML 1.1 reads `1e-4` as text, since it has no dot.
_EXPONENT_NUMBER = re.compile(r"[-+]?\d+(\.\d*)?[eE][-+]?\d+")


def value_inside(name: str, distribution: BaseDistribution, value: Any) -> Scalar:
    """The value in Python's own type, if the distribution contains it."""
    try:
        internal = distribution.to_internal_repr(value)
        if distribution._contains(internal):
            return distribution.to_external_repr(internal)
    except ValueError:
        pass  # no number, or none of the choices
    raise ConfigurationError(
        f"{name} = {value!r} lies outside {describe(distribution)}: choose a value inside, or "
        "widen the space"
    )


def describe(distribution: BaseDistribution) -> dict[str, Any]:
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


def read_axis(name: str, given: Any) -> tuple[BaseDistribution | Scalar, Any]:
    """What a hyperparameter may be, or its fixed value, and its condition as written, or None.

    Args:
        name: Of the hyperparameter, for messages.
        given: An Optuna distribution, a mapping, a list of choices, or one value.

    Raises:
        ConfigurationError: It cannot be read.
    """
    if isinstance(given, BaseDistribution):
        given = describe(given)
    elif isinstance(given, Sequence) and not isinstance(given, str):
        given = {"choices": given}
    if not isinstance(given, Mapping):
        return read_scalar(name, given), None
    entry = {key: value for key, value in given.items() if key != _WHEN}
    when = given.get(_WHEN)
    if "value" in entry:
        _refuse_unknown_keys(name, "fixed value", entry, ("value",))
        return read_scalar(name, entry["value"]), when
    kind = entry.get("type", _inferred_type(entry))
    if not isinstance(kind, str) or kind not in _KEYS:
        raise ConfigurationError(f"{name}: type {kind!r} is none of {', '.join(_KEYS)}")
    _refuse_unknown_keys(name, kind, entry, _KEYS[kind])
    read = _categorical if kind == "categorical" else _numeric
    return read(name, kind, entry), when


def _refuse_unknown_keys(
    name: str, kind: str, entry: Mapping[str, Any], known: tuple[str, ...]
) -> None:
    for key in entry:
        if key not in known:
            near = get_close_matches(str(key), (*known, _WHEN), n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigurationError(
                f"{name}: unknown key {key!r}: {hint}(a {kind} has {', '.join((*known, _WHEN))})"
            )


def _inferred_type(entry: Mapping[str, Any]) -> str:
    if "choices" in entry:
        return "categorical"
    bounds = [_exact(entry.get(key)) for key in ("low", "high", "step")]
    return "float" if any(isinstance(bound, float) for bound in bounds) else "int"


def _categorical(name: str, kind: str, entry: Mapping[str, Any]) -> CategoricalDistribution:
    choices = entry.get("choices")
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
        raise ConfigurationError(f"{name}: choices {choices!r} must be a list of at least one")
    values = [read_scalar(name, choice) for choice in choices]
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
        if n_steps > MOST_STEPS:
            raise ConfigurationError(
                f"{name}: more than {MOST_STEPS:.0e} steps of {step} fit: drop the step"
            )
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
    if not is_finite_number(number):
        raise ConfigurationError(f"{name}: {key} {value!r} must be a finite number")
    if kind == "int" and number != int(number):
        raise ConfigurationError(f"{name}: {key} {value!r} must be whole, or set type to 'float'")
    return int(number) if kind == "int" else float(number)


def read_scalar(name: str, value: Any) -> Scalar:
    """A fixed value or a choice: true, false, a finite number or text."""
    exact = _exact(value)
    if not isinstance(exact, bool | str) and not is_finite_number(exact):
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
