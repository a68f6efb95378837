"""What is written of a trained network beside its weights. Importing this loads no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DataError
from .data.splits import Normalisation


@dataclass(frozen=True)
class Described:
    """A trained network without its weights: what is needed to build it and to feed it.

    Raises:
        DataError: The parts do not fit each other; the message says which.
    """

    architecture: str  # for `resolve_architecture`
    params: Mapping[str, Any]  # its hyperparameters, those of the training included
    shape: tuple[int, ...]  # of an input: channels, height and width, or the number of features
    n_classes: int
    normalisation: Normalisation
    class_names: tuple[str, ...]  # by place in the output
    tasks: tuple[int, ...] = ()  # classes of each task, in order; empty for one task
    precision: str | None = None  # as `Runtime.describe` calls it in "autocast"; None: not known

    def __post_init__(self) -> None:
        if len(self.shape) not in (1, 3) or min(self.shape) < 1:
            raise DataError(f"shape = {list(self.shape)} is that of neither images nor features")
        mean, deviation = self.normalisation.mean, self.normalisation.deviation
        if not len(mean) == len(deviation) == self.shape[0]:
            raise DataError(
                f"normalisation has {len(mean)} means and {len(deviation)} deviations "
                f"for {self.shape[0]} channels or features"
            )
        if not (all(map(math.isfinite, (*mean, *deviation))) and min(deviation) > 0):
            raise DataError("normalisation must be finite, and its deviations above zero")
        if len(self.class_names) != self.n_classes or sum(self.task_sizes) != self.n_classes:
            raise DataError(
                f"n_classes = {self.n_classes}, but there are {len(self.class_names)} class names "
                f"and tasks of {list(self.task_sizes)} classes"
            )

    @property
    def task_sizes(self) -> tuple[int, ...]:
        """Classes of each task; one task has them all."""
        return self.tasks or (self.n_classes,)

    @property
    def layout(self) -> str:
        """What a batch of inputs looks like, such as ``"(N, 8, 8, 1)"``."""
        return f"(N, {', '.join(map(str, self.input_shape))})"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one input as the data set gives it: channels come last."""
        return (*self.shape[1:], self.shape[0])
