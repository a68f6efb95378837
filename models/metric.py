"""The metric that a search optimises: its name, its direction and its bounds.

>>> RMSE = Metric.parse("rmse")
>>> RMSE.direction, RMSE.low, RMSE.high
('minimize', 0.0, None)
>>> Metric.parse({"name": "kappa", "low": -1, "high": 1}).oriented(0.4)
0.4
>>> RMSE.oriented(0.4)  # greater is better
-0.4
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar, cast

from ..errors import ConfigurationError, UnknownNameError
from ..plain import is_finite_number

Direction = Literal["maximize", "minimize"]
_DIRECTIONS = ("maximize", "minimize")
Score = TypeVar("Score", bound=Any)  # a number, or an array or a column of them


@dataclass(frozen=True)
class Metric:
    """What is optimised on validation data, and reported on test data.

        Metric.parse("rmse")
        Metric.parse({"name": "kappa", "direction": "maximize", "low": -1, "high": 1})

    Attributes:
        name: What it is called: ``"accuracy"``, ``"rmse"``.
        direction: ``"maximize"`` or ``"minimize"``.
        low: The smallest value there can be; None if there is none.
        high: The largest value there can be; None if there is none.
    """

    name: str = "accuracy"
    direction: Direction = "maximize"
    low: float | None = None
    high: float | None = None

    @classmethod
    def parse(cls, given: Metric | str | Mapping[str, Any]) -> Metric:
        """Read a metric: a key of `METRICS`, or a mapping of its attributes, also as YAML text.

        A mapping takes what it leaves out from the metric of that name in `METRICS`, if there is
        one; else the direction is ``"maximize"`` and there are no bounds.

        Raises:
            UnknownNameError: There is no metric of that name, or no such attribute.
            ConfigurationError: An attribute cannot be; the message names it.
        """
        if isinstance(given, Metric):
            return given
        if isinstance(given, str) and given.lstrip().startswith("{"):
            given = _mapping(given)
        if isinstance(given, str):
            if given not in METRICS:
                raise UnknownNameError("metric", given, [*METRICS, "{name: …, direction: …}"])
            return METRICS[given]
        if not isinstance(given, Mapping):
            raise ConfigurationError(
                f"metric = {given!r}: give a name, or a mapping with name, direction, low and high"
            )
        fields = ("name", "direction", "low", "high")
        for key in given:
            if key not in fields:
                raise UnknownNameError("attribute of the metric", str(key), fields)
        name = given.get("name")
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            raise ConfigurationError(
                f"metric: name = {name!r} must be text that is not empty, of printable characters"
            )
        known = METRICS.get(name, cls(name))
        direction = given.get("direction", known.direction)
        if direction not in _DIRECTIONS:
            raise ConfigurationError(
                f"metric {name}: direction = {direction!r} must be maximize or minimize"
            )
        low, high = (_bound(name, key, given.get(key, getattr(known, key))) for key in fields[2:])
        if low is not None and high is not None and low >= high:
            raise ConfigurationError(f"metric {name}: low = {low} must be below high = {high}")
        return cls(name, cast("Direction", direction), low, high)

    def to_dict(self) -> dict[str, Any]:
        """The metric in plain values, as `parse` reads them."""
        return asdict(self)

    @property
    def maximised(self) -> bool:
        """Whether greater is better."""
        return self.direction == "maximize"

    @property
    def bounded(self) -> bool:
        """Whether the best value there can be and the worst are known."""
        return self.low is not None and self.high is not None

    @property
    def is_share(self) -> bool:
        """Whether it lies from 0 to 1 and greater is better, so that it can be told in percent."""
        return self.maximised and (self.low, self.high) == (0.0, 1.0)

    @property
    def oriented_bounds(self) -> tuple[float | None, float | None]:
        """The worst and the best score there can be, each oriented; None where there is none."""
        ends = (self.low, self.high) if self.maximised else (self.high, self.low)
        worst, best = (None if end is None else self.oriented(end) for end in ends)
        return worst, best

    def oriented(self, score: Score) -> Score:
        """The score, or its negative where smaller is better; of arrays, element by element.

        Its own inverse: ``oriented(oriented(x)) == x``.
        """
        return score if self.maximised else -score

    def improves(self, score: float, on: float | None) -> bool:
        """Whether a score is better than another one; than none every one is."""
        return on is None or self.oriented(score) > self.oriented(on)

    def allows(self, score: float) -> bool:
        """Whether a score is a number within the bounds."""
        return (
            math.isfinite(score)
            and (self.low is None or score >= self.low)
            and (self.high is None or score <= self.high)
        )

    def fault_of(self, score: float, where: str) -> str:
        """Why a score that was reported somewhere cannot be, in words; empty if it can."""
        if not math.isfinite(score):
            return f"{self.name} {score} {where}"
        if self.allows(score):
            return ""
        percent = ": is it in percent?" if self.is_share and 1 < score <= 100 else ""
        low, high = ("…" if bound is None else f"{bound:g}" for bound in (self.low, self.high))
        return f"{self.name} {score:g} {where} lies outside {low} to {high}{percent}"


def _mapping(text: str) -> Any:
    from ..files.yaml_text import read_yaml

    try:
        return read_yaml(text)
    except ValueError as error:
        raise ConfigurationError(f"metric {text!r}: {error}") from error


def _bound(name: str, key: str, value: Any) -> float | None:
    if value is None:
        return None
    if not is_finite_number(value):
        raise ConfigurationError(f"metric {name}: {key} = {value!r} must be a finite number")
    return float(value)


ACCURACY = Metric("accuracy", "maximize", 0.0, 1.0)
METRICS = {
    each.name: each
    for each in (
        ACCURACY,
        Metric("balanced_accuracy", "maximize", 0.0, 1.0),
        Metric("f1", "maximize", 0.0, 1.0),
        Metric("auc", "maximize", 0.0, 1.0),
        Metric("r2", "maximize", None, 1.0),
        Metric("loss", "minimize", 0.0, None),
        Metric("rmse", "minimize", 0.0, None),
        Metric("mae", "minimize", 0.0, None),
    )
}
"""Metrics that a name is enough for."""


def metrics_help() -> str:
    """All metrics, in one line for help texts."""
    return (
        f"{', '.join(METRICS)}, or a mapping such as "
        '"{name: kappa, direction: maximize, low: -1, high: 1}"'
    )
