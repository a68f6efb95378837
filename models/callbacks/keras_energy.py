"""Keras 3, with any backend: a callback that only meters.

callback = perjoule.KerasEnergyCallback()
history = model.fit(x, y, validation_split=0.2, epochs=10, callbacks=[callback])
print(callback.reading, history.history["energy_j"])
"""

from __future__ import annotations

from typing import Any

from .loop import base_class
from .phase_meter import TRAIN, VALIDATE, Metering, harmless

Callback = base_class("keras", "keras.callbacks:Callback")


class KerasEnergyCallback(Metering, Callback):
    """Meters what ``fit`` trains, by epoch and by phase, and adds it to each epoch's logs.

    ``history`` and the callbacks behind this one get ``energy_j`` (the epoch's),
    ``energy_train_j``, ``energy_validate_j``, the same by kind (``energy_modelled_j`` …) and
    ``energy_so_far_j``. Joules that are not known are left out, never 0. An error of the meter
    ends no training. Keras tells callbacks nothing where a training fails: ``reading`` then ends
    with the last change of phase, and ``close`` ends the metering, as the next training does.

    Args:
        meter: As of ``EnergyMeter``, or one of yours.

    Raises:
        ConfigurationError: Keras is missing.
    """

    @harmless
    def on_train_begin(self, logs: Any = None) -> None:
        """Begin to meter."""
        self._phases.start()

    @harmless
    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begin an epoch."""
        self._phases.enter(TRAIN)

    @harmless
    def on_test_begin(self, logs: Any = None) -> None:
        """Say that joules are for validation from here on."""
        if self._phases.in_epoch:
            self._phases.enter(VALIDATE)

    @harmless
    def on_test_end(self, logs: Any = None) -> None:
        """Say that they are for training again."""
        if self._phases.in_epoch:
            self._phases.enter(TRAIN)

    @harmless
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add what the epoch used to its logs."""
        if self._phases.in_epoch:
            figures = self._phases.figures_of(epoch)
            if logs is not None:
                logs.update(figures)

    @harmless
    def on_train_end(self, logs: Any = None) -> None:
        """End the metering."""
        self._phases.finish()

    def close(self) -> None:
        """End the metering of a training that failed."""
        self._phases.finish()


EnergyCallback = KerasEnergyCallback
