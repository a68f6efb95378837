"""PyTorch Lightning: a callback between its `Trainer` and a trial.

    import lightning
    import perjoule

    def train(trial):
        lightning.seed_everything(trial.seed)
        callback = perjoule.LightningCallback(trial, monitor="val_acc")
        trainer = lightning.Trainer(
            max_epochs=-1,  # as many as the trial shall train
            callbacks=[callback],
            logger=False, enable_checkpointing=False, enable_progress_bar=False,
        )
        trainer.fit(MyModule(**trial.params), train_loader, validation_loader)

    perjoule.compare(objective=train, space={"learning_rate": …, "epochs": 9}, budget="600 J")

Loaded where Lightning is missing, the class says at its first use what to install.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..trial import Trial
from .loop import Loop, base_class
from .randomness import random_state, set_random_state

Callback = base_class("lightning", "lightning.pytorch:Callback", "pytorch_lightning:Callback")


class LightningCallback(Callback):
    """Reports, saves and stops a trial that a Lightning ``Trainer`` trains.

    An epoch of the trial is one of Lightning's. What is monitored is reported at its end, if the
    network was validated in it, and whatever else was logged as further columns. Budget and
    interruption are asked before each batch of training and validation; at a stop the rest of the
    epoch is left out. A paused trial goes on with network, optimisers, learning rate schedulers,
    counters and random numbers, exactly so where the order of samples comes from PyTorch's
    global random numbers, as that of ``DataLoader(shuffle=True)`` does.

    Args:
        trial: The trial.
        monitor: What ``self.log`` calls the trial's metric; ``val_`` and its name if not given.
    """

    def __init__(self, trial: Trial, monitor: str | None = None) -> None:
        super().__init__()
        self._loop, self._validated = Loop(trial, monitor, "val_"), False

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Go on from where the trial was paused, and begin its first epoch."""
        if (state := self._loop.trial.restore()) is not None:
            _restore(trainer, pl_module, state)
        trainer.should_stop = not self._loop.begin()

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        """Ask before each step of training."""
        self._step(trainer)

    def on_validation_start(self, *_: Any) -> None:
        """Say that joules are for validation from here on."""
        if self._loop.running:
            self._loop.trial.phase("validate")

    def on_validation_batch_start(self, trainer: Any, *_: Any) -> None:
        """Ask before each step of validation."""
        if self._loop.running:
            self._step(trainer)

    def on_validation_end(self, *_: Any) -> None:
        """Note that there is something to report."""
        self._validated = self._loop.running

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Report and save, and begin the next epoch or stop."""
        loop = self._loop
        if not loop.running:
            return
        logged = trainer.callback_metrics if self._validated or not trainer.val_dataloaders else {}
        if not loop.end_epoch(logged, lambda: _state(trainer, pl_module), self._validated):
            trainer.should_stop = True
        self._validated = False

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Save again: schedulers of the learning rate step after the end of an epoch."""
        self._loop.finish()
        self._loop.trial.save(_state(trainer, pl_module))

    def _step(self, trainer: Any) -> None:
        """Ask, and leave the rest of the epoch out at a stop, as Lightning does at its end."""
        if not self._loop.may_step():
            trainer.should_stop = True
            raise StopIteration


def _state(trainer: Any, module: Any) -> dict[str, Any]:
    return {
        "network": module.state_dict(),
        "optimizers": [each.state_dict() for each in trainer.optimizers],
        "schedulers": [each.scheduler.state_dict() for each in trainer.lr_scheduler_configs],
        "loops": trainer.fit_loop.state_dict(),
        "random": random_state(),
    }


def _restore(trainer: Any, module: Any, state: Mapping[str, Any]) -> None:
    module.load_state_dict(state["network"])
    schedulers = [each.scheduler for each in trainer.lr_scheduler_configs]
    of_each = zip(
        [*trainer.optimizers, *schedulers],
        [*state["optimizers"], *state["schedulers"]],
        strict=True,
    )
    for each, its_state in of_each:
        each.load_state_dict(its_state)
    trainer.fit_loop.load_state_dict(state["loops"])
    trainer.fit_loop.restarting = False  # it stands at the beginning of an epoch
    set_random_state(state["random"])
    iter(trainer.train_dataloader)  # draws what the iterator of a later epoch draws
