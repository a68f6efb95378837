"""What the callbacks share: epochs of a trial driven by a library's loop, and their base class."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from ...errors import ConfigurationError
from ..importing import first_line
from ..trial import Trial, TrialFailed


class Loop:
    """Drives the epochs of a trial from a loop that is not ours.

    Attributes:
        trial: The trial.
        monitor: The name under which the library logs what the trial's metric is reported as.
        running: Whether the library is training, so that its events are of the trial.
    """

    def __init__(self, trial: Trial, monitor: str | None, prefix: str) -> None:
        """Take a trial; without ``monitor`` it is the prefix with the metric's name."""
        self.trial, self.prefix = trial, prefix
        self.monitor = monitor or f"{prefix}{trial.metric.name}"
        self.running = False
        self._epochs, self._begun, self._reported = trial.epochs(), False, False

    def begin(self) -> bool:
        """Begin the trial's next epoch; False if there is none to train."""
        self.running = next(self._epochs, None) is not None
        self._begun |= self.running
        return self.running

    def may_step(self) -> bool:
        """Whether the next step may be taken, asked before each; if not, the loop is to end."""
        self.running = self.running and not self.trial.should_stop()
        return self.running

    def end_epoch(
        self,
        logged: Mapping[str, Any],
        state: Callable[[], Mapping[str, Any]],
        validated: bool = True,
    ) -> bool:
        """Report and save an epoch and begin the next; False if there is none.

        Args:
            logged: What the library logged, by name.
            state: Gives the state to save.
            validated: Whether the epoch was validated; if not, what is monitored may be missing.

        Raises:
            TrialFailed: What is monitored was not logged.
        """
        if validated or self.monitor in logged:
            self.trial.report(**self._figures(logged))
            self.trial.save(state())
            self._reported = True
        return self.begin()

    def finish(self, names: Iterable[str] = ()) -> None:
        """End the library's training, which logged what bears these names.

        Raises:
            TrialFailed: Nothing was reported, though the training was not cut short.
        """
        self.running = False
        if self._begun and not self._reported and not self.trial.cut_short:
            found = ", ".join(sorted(names)) or "nothing that was validated"
            raise TrialFailed(f"monitor = {self.monitor!r} was never logged, but {found}")

    def _figures(self, logged: Mapping[str, Any]) -> dict[str, Any]:
        """The metric by its name, validation loss as ``loss``, and all else as it was logged.

        What bears one of those names beside them is of the training: ``train_loss``.
        """
        if self.monitor not in logged:
            found = ", ".join(sorted(logged)) or "nothing"
            raise TrialFailed(f"monitor = {self.monitor!r} was not logged, but {found}")
        figures = {name: each for name, each in logged.items() if name != self.monitor}
        taken = {self.trial.metric.name: logged[self.monitor]}
        loss = f"{self.prefix}loss"
        if loss in figures and "loss" not in taken:
            taken["loss"] = figures.pop(loss)
        return {f"train_{n}" if n in taken else n: each for n, each in figures.items()} | taken


def base_class(extra: str, *places: str) -> Any:
    """The class that a callback is made of, from the first of its libraries that can be loaded.

    One that is loaded already comes first. Without any it is a class that cannot be made, so that
    the callback's module can be imported all the same.

    Args:
        extra: The extra of perjoule that installs the library.
        places: ``module:Class`` in each library that has it.
    """
    faults: dict[str, str] = {}
    for place in sorted(places, key=lambda each: sys.modules.get(each.partition(":")[0]) is None):
        module, _, name = place.partition(":")
        try:
            return getattr(import_module(module), name)
        except ModuleNotFoundError:
            faults.setdefault(module, "not installed")
        except Exception as error:  # noqa: BLE001 - a library may fail in any way when loaded
            faults.setdefault(module, f"{type(error).__name__}: {first_line(error)}")
    why = " or ".join(f"{module.partition('.')[0]} ({fault})" for module, fault in faults.items())

    class Missing:
        """Tells what must be installed."""

        def __new__(cls, *_: Any, **__: Any) -> Missing:
            raise ConfigurationError(f"{cls.__name__} needs {why}: pip install 'perjoule[{extra}]'")

    return Missing
