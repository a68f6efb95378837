"""PyTorch Lightning: a callback that only meters.

    import lightning
    import perjoule

    callback = perjoule.LightningEnergyCallback()
    lightning.Trainer(max_epochs=10, callbacks=[callback]).fit(module, train, validation)
    print(callback.reading)                     # 1.23 kJ in 60 s: cpu 1.23 kJ (modelled, …)
    print(callback.epochs[0].train.total_j)

Each epoch's joules are logged beside the module's own figures, to whatever loggers there are.
"""

from __future__ import annotations

from typing import Any

from .loop import base_class
from .phase_meter import OTHER, TRAIN, VALIDATE, Metering, harmless

Callback = base_class("lightning", "lightning.pytorch:Callback", "pytorch_lightning:Callback")


class LightningEnergyCallback(Metering, Callback):
    """Meters what a Lightning ``Trainer`` fits, by epoch and by phase, and logs it each epoch.

    Logged with ``log_dict``, so that loggers, progress bars and other callbacks can use them, are
    ``energy_j`` (the epoch's), ``energy_train_j``, ``energy_validate_j``, the same by kind
    (``energy_modelled_j``, ``energy_measured_j`` …) and ``energy_so_far_j``. Joules that are not
    known are left out, never 0. Where several processes train together each meters itself, and
    rank 0's go to the loggers alone. An error of the meter ends no training, and one of the
    training ends the metering.

    Args:
        meter: As of ``EnergyMeter``, or one of yours.

    Raises:
        ConfigurationError: Lightning is missing.
    """

    @harmless
    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin to meter."""
        self._phases.start(trainer.global_rank, trainer.world_size)

    @harmless
    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        """Begin an epoch."""
        self._phases.enter(TRAIN)

    @harmless
    def on_train_batch_start(
        self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int
    ) -> None:
        """The same where a training goes on within an epoch, whose beginning it does not tell."""
        self._phases.enter(TRAIN)

    @harmless
    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        """Say that joules are for validation from here on; the check before the first is none."""
        self._phases.enter(OTHER if trainer.sanity_checking else VALIDATE)

    @harmless
    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Say that they are for training again."""
        self._phases.enter(OTHER if trainer.sanity_checking else TRAIN)

    @harmless
    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Log what the epoch used."""
        if not self._phases.is_open:
            return
        figures = self._phases.figures_of(trainer.current_epoch)
        if trainer.world_size == 1:
            pl_module.log_dict(figures)
            return
        for logger in trainer.loggers:  # of rank 0; what is logged above is to be of all ranks
            logger.log_metrics(figures, step=trainer.global_step - 1)

    @harmless
    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """End the metering."""
        self._phases.finish()

    @harmless
    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """End it too where the training fails or is interrupted."""
        self._phases.finish()


EnergyCallback = LightningEnergyCallback
