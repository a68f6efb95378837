"""What the callbacks share that only meter: joules of a training by epoch and by phase."""

from __future__ import annotations

import functools
import logging
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar

from ...energy import EnergyMeter, Reading, Window
from ...energy.quantities import format_energy
from ...errors import PerjouleError

P = ParamSpec("P")
C = TypeVar("C", bound="Metering")

OTHER, TRAIN, VALIDATE = "other", "train", "validate"
_DIGITS = re.compile(r"[\d.]+")  # by which what is told of one epoch differs from that of another


@dataclass(frozen=True)
class EpochEnergy:
    """What an epoch used.

    Attributes:
        epoch: Its number, as the library counts.
        train: From its beginning to its end without validation.
        validate: Validation within it; without components if there was none.
    """

    epoch: int
    train: Reading
    validate: Reading

    @property
    def reading(self) -> Reading:
        """Both phases; its warnings name windows that were too short, its parts their bounds."""
        return self.train + self.validate

    def figures(self) -> dict[str, float]:
        """What is logged of it: known joules only, all together, by phase and by kind."""
        reading = self.reading
        amounts = {
            "energy_j": reading.total_j,
            "energy_train_j": self.train.total_j,
            "energy_validate_j": self.validate.total_j,
        }
        if reading.total_j is not None:
            amounts |= {f"energy_{kind}_j": joules for kind, joules in reading.totals_j.items()}
        return {name: joules for name, joules in amounts.items() if joules is not None}


class PhaseMeter:
    """Reads a meter whenever a training enters another phase; readings share edges, so they add up.

    A copy keeps what was read, and meters nothing until a training of its own begins.

    Attributes:
        epochs: The epochs that ended.
        other: What was used outside of epochs: before the first, between two, after the last.
        reading: All so far, that of the epoch that did not end included.
    """

    def __init__(self, meter: str | EnergyMeter) -> None:
        self._given = meter
        self._own: EnergyMeter | None = None
        self._window: Window | None = None
        self._forget()
        self._told: set[str] = set()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_own": None, "_window": None}

    @property
    def is_open(self) -> bool:
        """Whether a training is metered now."""
        return self._window is not None

    @property
    def in_epoch(self) -> bool:
        """Whether it is within an epoch."""
        return self.is_open and self._phase != OTHER

    def start(self, rank: int = 0, ranks: int = 1) -> None:
        """Begin to meter a training, in one of so many processes that train together.

        Raises:
            PerjouleError: The meter cannot be made.
        """
        self.finish()
        meter = self._given
        if isinstance(meter, str):
            meter = self._own = EnergyMeter(meter, synchronize=_synchronize)
        self._forget()
        self._window = meter.window()
        if ranks > 1 and rank == 0:
            self.tell(
                f"joules of rank 0 of {ranks} are logged; ranks are not added up, since those of a "
                "machine may see the same hardware. Each rank's callback has its own"
            )

    def enter(self, phase: str) -> None:
        """What comes is of this phase."""
        if self._window is None or phase == self._phase:
            return
        self._take(self._window)
        self._phase = phase

    def figures_of(self, epoch: int) -> dict[str, float]:
        """End the epoch that was begun by entering a phase of it: what is to be logged of it."""
        self.enter(OTHER)
        ended = EpochEnergy(epoch, self._epoch[TRAIN], self._epoch[VALIDATE])
        self._epoch = {TRAIN: Reading(), VALIDATE: Reading()}
        self.epochs.append(ended)
        for part in ended.reading.components:
            bound = f"; off by up to {format_energy(part.bound_j)}" if part.bound_j else ""
            for warning in part.warnings:
                self.tell(f"epoch {epoch}: {warning}{bound}", once=_DIGITS.sub("", warning))
        if ended.reading.total_j is None:
            self.tell(f"epoch {epoch}: its joules are not known, so none are logged", once="none")
        so_far_j = self.reading.total_j
        return ended.figures() | ({} if so_far_j is None else {"energy_so_far_j": so_far_j})

    def finish(self) -> None:
        """End the metering, once."""
        window, self._window = self._window, None
        own, self._own = self._own, None
        try:
            if window is not None:
                self._take(window)
                window.close()
        finally:
            if own is not None:
                own.close()

    def abandon(self) -> None:
        """End the metering with the last change of phase: what came then is not the training's."""
        window, self._window = self._window, None
        if window is not None:
            window.close()
        self.finish()

    def tell(self, what: str, once: str | None = None) -> None:
        """Say something to whoever trains, without ever raising."""
        if (once or what) not in self._told:
            self._told.add(once or what)
            logging.getLogger("perjoule").warning("perjoule: %s", what)

    def _take(self, window: Window) -> None:
        """Add what was used since the last edge to the phase that it was used in."""
        used = window.lap()
        self.reading += used
        if self._phase == OTHER:
            self.other += used
        else:
            self._epoch[self._phase] += used

    def _forget(self) -> None:
        self.epochs: list[EpochEnergy] = []
        self.reading = self.other = Reading()
        self._phase, self._epoch = OTHER, {TRAIN: Reading(), VALIDATE: Reading()}


class Metering:
    """Adds metering to a callback of a library.

    Attributes:
        epochs: What each epoch used so far.
        other: What was used outside of epochs.
        reading: What the training used so far: all epochs and ``other``.
    """

    def __init__(self, meter: str | EnergyMeter = "auto") -> None:
        super().__init__()
        self._phases = PhaseMeter(meter)

    @property
    def epochs(self) -> tuple[EpochEnergy, ...]:
        """What each epoch used, so far."""
        return tuple(self._phases.epochs)

    @property
    def other(self) -> Reading:
        """What was used before the first epoch, between two (checkpoints) and after the last."""
        return self._phases.other

    @property
    def reading(self) -> Reading:
        """What the training used up to its latest change of phase, or its end."""
        return self._phases.reading


def harmless(
    event: Callable[Concatenate[C, P], None],
) -> Callable[Concatenate[C, P], None]:
    """A method that tells its errors once instead of raising them into a training."""

    @functools.wraps(event)
    def safely(self: C, /, *args: P.args, **kwargs: P.kwargs) -> None:
        was_open = self._phases.is_open
        try:
            event(self, *args, **kwargs)
        except Exception as error:
            if isinstance(error, PerjouleError) and not was_open:
                raise  # a meter that cannot be had is told before anything is trained
            self._phases.tell(f"metering failed: {type(error).__name__}: {error}", once="failed")

    return safely


def _synchronize() -> None:
    """Wait for what the GPUs have queued, if they are in use."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.synchronize()
