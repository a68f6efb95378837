"""Published defaults of optimisers as a prior over the candidates of a space.

    >>> from perjoule.models.space import Space
    >>> rate = {"low": 1e-5, "high": 1.0, "log": True}
    >>> prior = Prior.of(Space.parse({"optimizer": ["sgd", "adam", "rmsprop"], "lr": rate}))
    >>> for sentence in prior.describe():
    ...     print(sentence)
    lr around 0.0316 with sgd (Bengio 2012; He et al., CVPR 2016)
    lr around 0.001 with adam (Kingma and Ba, ICLR 2015)

A hyperparameter is known by its name. Its logarithm is normal around the default with a deviation
of half a decade, inside its range. Of a momentum and of Adam's decay rates that is the logarithm of
one minus the value, on which they are tuned (Choi et al. 2019, arXiv 1910.05446). What has no
published default is uniform, and so is what a space keeps away from its default.

The optimiser is what the space says. Where it does not, a space with a momentum is taken for one
of SGD, and one with Adam's decay rates for one of Adam; else nothing is claimed. Neither is
anything of optimisers whose libraries disagree: RMSprop begins with 0.01 in PyTorch and with 0.001
in Keras.

When to use it: for candidates that begin where people begin. It promises points of the unit cube
that are a function of the uniform ones given, and their true density.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution
from scipy.special import ndtr, ndtri

from ...models.space import Space
from .encoding import Array, Encoding, Range, edges

DEVIATION = 0.5
"""Decades by which a good value departs from the default, as a standard deviation."""
Scale = Literal["value", "one minus value"]
"""What is log-normal."""
Rows = NDArray[np.bool_]


class Default(NamedTuple):
    """A published default."""

    value: float
    source: str
    scale: Scale = "value"

    def decades(self, value: Any) -> Any:
        """Numbers, or arrays of them, on the scale on which they are normal, rising with them."""
        with np.errstate(divide="ignore"):
            if self.scale == "value":
                return np.log10(np.maximum(value, 0.0))
            return -np.log10(np.maximum(1.0 - np.asarray(value), 0.0))

    def value_at(self, decades: Array) -> Array:
        """The inverse of `decades`."""
        return 10.0**decades if self.scale == "value" else 1.0 - 10.0**-decades

    def slope(self, value: Array) -> Array:
        """The derivative of `decades`."""
        away = value if self.scale == "value" else 1.0 - value
        return 1.0 / (np.maximum(away, 1e-300) * math.log(10))


_KINGMA, _HE = "Kingma and Ba, ICLR 2015", "He et al., CVPR 2016"
_ADAM = {
    "learning rate": Default(1e-3, _KINGMA),
    "beta1": Default(0.9, _KINGMA, "one minus value"),
    "beta2": Default(0.999, _KINGMA, "one minus value"),
    "epsilon": Default(1e-8, _KINGMA),
}
DEFAULTS: Mapping[str, Mapping[str, Default]] = {
    # Half-way between 0.01 (Bengio, arXiv 1206.5533, section 3.1.1) and 0.1 (He et al., 3.4).
    "sgd": {
        "learning rate": Default(10**-1.5, f"Bengio 2012; {_HE}"),
        "momentum": Default(0.9, _HE, "one minus value"),
        "weight decay": Default(1e-4, _HE),
    },
    "adam": _ADAM,
    "adamw": {**_ADAM, "weight decay": Default(1e-2, "AdamW of PyTorch")},
}
"""Defaults by optimiser and by what they are of."""
_NAMES = {
    "learning rate": {"learning_rate", "lr", "learning_rate_init", "initial_lr", "base_lr"},
    "momentum": {"momentum", "sgd_momentum"},
    "beta1": {"beta1", "beta_1", "adam_beta1"},
    "beta2": {"beta2", "beta_2", "adam_beta2"},
    "epsilon": {"epsilon", "eps", "adam_epsilon"},
    "weight decay": {"weight_decay", "wd"},
}
_OPTIMIZERS = ("optimizer", "optimiser", "opt", "solver")


class _Marginal(Protocol):
    """How one dimension of the unit cube is distributed."""

    def place(self, uniform: Array) -> Array:
        """Points of the dimension from uniform ones: the inverse of its distribution function."""
        ...

    def density(self, places: Array) -> Array:
        """The density at points of the dimension."""
        ...


class _OfRange:
    """A log-normal range, cut at its ends."""

    def __init__(self, default: Default, axis: Range) -> None:
        self._default, self._log = default, axis.log
        self._low, self._high = edges(axis)
        self._centre = float(default.decades(default.value))
        ends = self._value(np.array([0.0, 1.0]))
        self._from, self._to = ndtr(self._standard(ends))

    def _value(self, places: Array) -> Array:
        scaled = self._low + places * (self._high - self._low)
        return np.exp(scaled) if self._log else scaled

    def _standard(self, values: Array) -> Array:
        return (self._default.decades(values) - self._centre) / DEVIATION

    def place(self, uniform: Array) -> Array:
        within = ndtri(self._from + uniform * (self._to - self._from))
        values = self._default.value_at(self._centre + DEVIATION * within)
        scaled = np.log(np.maximum(values, 1e-300)) if self._log else values
        return np.clip((scaled - self._low) / (self._high - self._low), 0.0, 1.0)

    def density(self, places: Array) -> Array:
        values = self._value(places)
        z = self._standard(values)
        normal = np.exp(-(z**2) / 2) / (math.sqrt(2 * math.pi) * DEVIATION)
        per_place = (values if self._log else 1.0) * (self._high - self._low)
        inside = np.isfinite(z)
        slope = np.where(inside, self._default.slope(values) * per_place, 0.0)
        return np.where(inside, normal, 0.0) * slope / (self._to - self._from)


class _OfChoices:
    """Choices among numbers, each as likely as its density says."""

    def __init__(self, default: Default, choices: Sequence[float]) -> None:
        z = (default.decades(np.array(choices)) - default.decades(default.value)) / DEVIATION
        masses = np.exp(-(z**2) / 2)
        self._masses = masses / masses.sum()
        self._ends = np.cumsum(self._masses)

    def place(self, uniform: Array) -> Array:
        count = len(self._masses)
        chosen = np.minimum(np.searchsorted(self._ends, uniform, side="right"), count - 1)
        mass = np.maximum(self._masses[chosen], 1e-300)
        inside = np.clip(1.0 - (self._ends[chosen] - uniform) / mass, 0.0, 1.0 - 1e-9)
        return (chosen + inside) / count

    def density(self, places: Array) -> Array:
        count = len(self._masses)
        return self._masses[np.minimum((places * count).astype(int), count - 1)] * count


@dataclass(frozen=True)
class Prior:
    """A distribution over the unit cube of an encoding; independent but for the optimiser.

    Attributes:
        encoding: Of the space.
        claims: By the choice of optimiser, the default of each hyperparameter that has one; under
            None where nothing chooses.
        chooser: The hyperparameter that chooses the optimiser; None if none is searched.
    """

    encoding: Encoding
    claims: Mapping[Any, Mapping[str, Default]]
    chooser: str | None = None

    @classmethod
    def of(cls, space: Space) -> Prior:
        """The prior of a space, by the names of its hyperparameters."""
        encoding = Encoding(space)
        known = {*space.distributions, *space.fixed}
        chooser = next((name for name in _OPTIMIZERS if name in known), None)
        axis = encoding.axes.get(chooser or "")
        if isinstance(axis, CategoricalDistribution):
            choices = {choice: _kind(choice) for choice in axis.choices}
            claims = {choice: _claims(encoding, kind) for choice, kind in choices.items()}
            return cls(encoding, claims, chooser)
        if chooser is None:
            kind = _kind_by(known)
        else:
            single = space.distributions.get(chooser)
            only = getattr(single, "choices", [None])[0]
            kind = _kind(space.fixed.get(chooser, only))
        return cls(encoding, {None: _claims(encoding, kind)})

    @property
    def claims_nothing(self) -> bool:
        """Whether it is uniform."""
        return not any(self.claims.values())

    def describe(self) -> list[str]:
        """What is claimed, and by whom, a sentence each."""
        return [
            f"{name} around {default.value:.3g}{f' with {choice}' if choice else ''} "
            f"({default.source})"
            for choice, own in self.claims.items()
            for name, default in own.items()
        ]

    def points(self, uniform: Array) -> Array:
        """Points of the prior from uniform points of the unit cube, both ``[n, n_dimensions]``."""
        found = np.array(uniform, dtype=float)
        for rows, dimension, marginal, _ in self._parts(found):
            found[rows, dimension] = marginal.place(found[rows, dimension])
        return found

    def sample(self, uniform: Array) -> list[dict[str, Any]]:
        """Candidates of the prior from uniform points of the unit cube."""
        return [self.encoding.decode(point) for point in self.points(np.atleast_2d(uniform))]

    def density(self, points: Array) -> Array:
        """The density at points ``[n, n_dimensions]``, 1 where it is uniform.

        A hyperparameter that is inactive at a point is as likely as any.
        """
        found = np.ones(len(points))
        conditions = self.encoding.space.conditions
        candidates = [self.encoding.decode(point) for point in points] if conditions else []
        for rows, dimension, marginal, name in self._parts(points):
            own = marginal.density(points[rows, dimension])
            if name in conditions:
                active = [candidates[row][name] is not None for row in np.flatnonzero(rows)]
                own = np.where(active, own, 1.0)
            found[rows] *= own
        return found

    def _parts(self, points: Array) -> list[tuple[Rows, int, _Marginal, str]]:
        """Each claim: the rows that it is of, its dimension, how that is distributed, its name."""
        names = list(self.encoding.axes)
        parts: list[tuple[Rows, int, _Marginal, str]] = []
        for number, own in enumerate(self.claims.values()):
            rows = np.ones(len(points), dtype=bool)
            if self.chooser is not None:
                share = points[:, names.index(self.chooser)] * len(self.claims)
                rows = np.minimum(share.astype(int), len(self.claims) - 1) == number
            for name, default in own.items():
                marginal = _marginal(default, self.encoding.axes[name])
                assert marginal is not None
                parts.append((rows, names.index(name), marginal, name))
        return parts


def _kind(optimizer: Any) -> str | None:
    """The optimiser whose defaults an optimiser has; None if they are not known."""
    plain = str(optimizer).lower().replace("-", "").replace("_", "")
    return plain if plain in DEFAULTS else None


def _kind_by(names: set[str]) -> str | None:
    if names & _NAMES["momentum"]:
        return "sgd"
    return "adam" if names & (_NAMES["beta1"] | _NAMES["beta2"]) else None


def _claims(encoding: Encoding, kind: str | None) -> dict[str, Default]:
    """The defaults of the searched hyperparameters, of those that may have them."""
    if kind is None:
        return {}
    by_name = {name: own for of, own in DEFAULTS[kind].items() for name in _NAMES[of]}
    found = {name: by_name[name] for name in encoding.axes if name in by_name}
    return {n: own for n, own in found.items() if _marginal(own, encoding.axes[n]) is not None}


def _marginal(default: Default, axis: Any) -> _Marginal | None:
    """How an axis is distributed around a default; None if it leaves it out or has no numbers."""
    if not isinstance(axis, CategoricalDistribution):
        inside = axis.low <= default.value <= axis.high
        return _OfRange(default, cast("Range", axis)) if inside else None
    choices = axis.choices
    numbers = [c for c in choices if isinstance(c, int | float) and not isinstance(c, bool)]
    if len(numbers) < len(choices) or not min(numbers) <= default.value <= max(numbers):
        return None
    return _OfChoices(default, numbers)
