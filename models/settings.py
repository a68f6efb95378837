"""The hyperparameters of training, and how a candidate's are shared out. Loads no torch.

>>> settings, network = split_hyperparameters(
...     {"optimizer": "sgd", "momentum": 0.5, "beta1": None, "log2_batch_size": 5, "width": 8},
...     "cnn",
... )
>>> settings.momentum, settings.batch_size, network
(0.5, 32, {'width': 8})
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from ..errors import ConfigurationError, UnknownNameError
from .augmentation import AUGMENTATIONS
from .networks.registry import Builder, resolve_architecture
from .schedule import DEFAULT_RISE, SCHEDULES
from .space import BATCH_SIZE, DEFAULT_BATCH_SIZE, LOG2_BATCH_SIZE, Space, batch_size_of

_ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
OPTIMIZERS = {"sgd": {"momentum": 0.9}, "adam": _ADAM, "adamw": _ADAM}
"""Which there are, with the hyperparameters that each has of its own and their defaults."""
PRECISIONS = ("auto", "bf16", "float32")


class _Range(NamedTuple):
    """The numbers that a hyperparameter may have."""

    least: float = 0
    below: float = math.inf
    whole: bool = False
    above: bool = False  # whether the least itself is excluded

    def holds(self, value: Any) -> bool:
        """Whether it is such a number."""
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        return self.least <= value < self.below and not (self.above and value == self.least)

    def __str__(self) -> str:
        start = f"above {self.least}" if self.above else f"from {self.least} up"
        end = "" if self.below == math.inf else f", below {self.below}"
        return f"a {'whole' if self.whole else 'finite'} number {start}{end}"


_RANGES = {
    "learning_rate": _Range(),
    "momentum": _Range(below=1),
    "beta1": _Range(below=1),
    "beta2": _Range(below=1),
    "epsilon": _Range(above=True),
    "weight_decay": _Range(),
    "warmup_share": _Range(below=1),
    "label_smoothing": _Range(below=1),
    "gradient_clip": _Range(above=True),
    BATCH_SIZE: _Range(2, whole=True),
    LOG2_BATCH_SIZE: _Range(1, 31, whole=True),
    "patience": _Range(whole=True),
    "epochs": _Range(1, whole=True),
}
_NAMES: dict[str, Iterable[str]] = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
}


def range_of(name: str) -> str:
    """What a hyperparameter of the training may be, in words."""
    if name in _RANGES:
        return str(_RANGES[name])
    known = {**_NAMES, "freeze": ("true", "false")}.get(name, AUGMENTATIONS)
    return ", ".join(known)


@dataclass(frozen=True)
class TrainingSettings:
    """The hyperparameters that do not shape the network.

    Attributes:
        optimizer: ``sgd``, ``adam`` or ``adamw``.
        learning_rate: At its highest.
        momentum: Nesterov's, of sgd: 0.9 if not given; plain descent at 0.
        beta1: Of adam and adamw: 0.9 if not given.
        beta2: Likewise: 0.999 if not given.
        epsilon: Likewise: 1e-8 if not given.
        weight_decay: L2 penalty; decoupled in adamw.
        schedule: Of the learning rate: ``constant``, ``cosine``, ``one-cycle`` or ``step``.
        warmup_share: Share of all steps in which the rate rises: 0 if not given, 0.3 for one-cycle.
        label_smoothing: Share of the target that all classes have alike.
        gradient_clip: Largest norm of the gradient of a step; any if not given.
        augmentation: Of images: ``none``, or ``flip``, ``shift``, ``cutout`` joined by +.
        batch_size: Samples per step; ``log2_batch_size`` gives it too.
        precision: Of the matrix products: ``auto`` (bf16 where it is there and faster), ``bf16``,
            ``float32``.
        patience: Epochs without a better score that end the training; 0: it never ends so.
        epochs: Passes over the training split.
        freeze: Train the head alone.

    Raises:
        ConfigurationError: One is out of its range, or the optimiser does not have it.
        UnknownNameError: An optimiser, a schedule, an augmentation or a precision is unknown.
    """

    optimizer: str = "adam"
    learning_rate: float = 1e-3
    momentum: float | None = None
    beta1: float | None = None
    beta2: float | None = None
    epsilon: float | None = None
    weight_decay: float = 0.0
    schedule: str = "constant"
    warmup_share: float | None = None
    label_smoothing: float = 0.0
    gradient_clip: float | None = None
    augmentation: str = "none"
    batch_size: int = DEFAULT_BATCH_SIZE
    precision: str = "auto"
    patience: int = 0
    epochs: int = 4
    freeze: bool = False

    def __post_init__(self) -> None:
        for name, known in _NAMES.items():
            _check_name(name, getattr(self, name), known)
        for name in str(self.augmentation).split("+"):
            _check_name("augmentation", name, AUGMENTATIONS)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _RANGES and value is not None:
                _check_range(field.name, value)
        if not isinstance(self.freeze, bool):
            raise ConfigurationError(f"freeze = {self.freeze!r} must be true or false")
        self._refuse_what_the_optimizer_lacks()
        share = DEFAULT_RISE if self.schedule == "one-cycle" else 0.0
        for name, default in {**OPTIMIZERS[self.optimizer], "warmup_share": share}.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, default)

    def _refuse_what_the_optimizer_lacks(self) -> None:
        having: dict[str, list[str]] = {}
        for optimizer, own in OPTIMIZERS.items():
            for name in own:
                having.setdefault(name, []).append(optimizer)
        for name, optimizers in having.items():
            value = getattr(self, name)
            if value is not None and self.optimizer not in optimizers:
                when = optimizers[0] if len(optimizers) == 1 else f"[{', '.join(optimizers)}]"
                raise ConfigurationError(
                    f"{name} = {value!r}, but the optimizer {self.optimizer} has no {name}: "
                    f"leave it out, or make it conditional by when: {{optimizer: {when}}}"
                )

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> TrainingSettings:
        """The settings among the hyperparameters of a candidate; None stands for not given.

        Raises:
            ConfigurationError, UnknownNameError: As of the class; or both batch sizes are given.
        """
        given = {name: value for name, value in params.items() if value is not None}
        own = {field.name: given[field.name] for field in fields(cls) if field.name in given}
        if LOG2_BATCH_SIZE in given:
            if BATCH_SIZE in given:
                raise ConfigurationError(
                    f"{BATCH_SIZE} = {given[BATCH_SIZE]!r} and {LOG2_BATCH_SIZE} = "
                    f"{given[LOG2_BATCH_SIZE]!r} are both given: drop one"
                )
            _check_range(LOG2_BATCH_SIZE, given[LOG2_BATCH_SIZE])
            own[BATCH_SIZE] = batch_size_of(given)
        return cls(**own)


HYPERPARAMETERS = (*(field.name for field in fields(TrainingSettings)), LOG2_BATCH_SIZE)
"""All that the training takes, whatever the network."""


def split_hyperparameters(
    params: Mapping[str, Any], architecture: str | Builder
) -> tuple[TrainingSettings, dict[str, Any]]:
    """Share the hyperparameters of a candidate out between the training and the network.

    One that is None is inactive: neither sees it.

    Raises:
        UnknownNameError: Neither the training nor the network knows a hyperparameter.
        ConfigurationError: The network needs one that is missing, or takes one of the training's;
            or the training cannot use one.
    """
    settings = TrainingSettings.of(params)
    others = [name for name in params if name not in HYPERPARAMETERS]
    network = {name: params[name] for name in others if params[name] is not None}

    # The first two are the shape of an input and the number of classes.
    accepted = list(inspect.signature(resolve_architecture(architecture)).parameters.values())[2:]
    by_keyword = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    known = [each for each in accepted if each.kind in by_keyword]
    for each in known:
        if each.name in HYPERPARAMETERS:
            raise ConfigurationError(
                f"the network's hyperparameter {each.name!r} is the training's too: rename it"
            )
        if each.default is each.empty and each.name not in network:
            raise ConfigurationError(
                f"the network needs the hyperparameter {each.name!r}: add it to the space"
            )
    if not any(each.kind is each.VAR_KEYWORD for each in accepted):
        names = [*HYPERPARAMETERS, *(each.name for each in known)]
        for name in others:
            if name not in names:
                raise UnknownNameError("hyperparameter", name, names)
    return settings, network


def check_space(space: Space, architecture: str | Builder) -> None:
    """Try the corners of a space, beside each choice and end that it has, before training any.

    Raises:
        ConfigurationError, UnknownNameError: As of `split_hyperparameters`.
    """
    values = [{name: value} for name, axis in space.distributions.items() for value in _ends(axis)]
    for given in ({}, *values):
        for candidate in (space.cheapest(given), space.heaviest(given)):
            split_hyperparameters(candidate, architecture)


def _ends(axis: BaseDistribution) -> Iterable[Any]:
    if isinstance(axis, IntDistribution | FloatDistribution):
        return axis.low, axis.high
    return axis.choices if isinstance(axis, CategoricalDistribution) else ()


def _check_name(name: str, value: Any, known: Iterable[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise UnknownNameError(name, str(value), known)


def _check_range(name: str, value: Any) -> None:
    if not _RANGES[name].holds(value):
        raise ConfigurationError(f"{name} = {value!r} must be {_RANGES[name]}")
