"""Keras 3: a callback between its ``fit`` and a trial.

    import os
    os.environ["KERAS_BACKEND"] = "torch"
    import keras
    import perjoule

    def train(trial):
        keras.utils.set_random_seed(trial.seed)
        model = build(**trial.params)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(
            x, y,
            validation_data=(x_validation, y_validation),
            epochs=100,  # at most; the trial ends it
            callbacks=[perjoule.KerasCallback(trial)],
            verbose=0,
        )

    perjoule.compare(objective=train, space={"units": …, "epochs": 9}, budget="600 J")

PyTorch becomes Keras' backend if this is loaded first and the environment names no other.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from ...errors import ConfigurationError
from ..trial import Trial
from .loop import Loop, base_class
from .randomness import random_state, set_random_state

os.environ.setdefault("KERAS_BACKEND", "torch")  # it has no effect once Keras is loaded
Callback = base_class("keras", "keras.callbacks:Callback")


class KerasCallback(Callback):
    """Reports, saves and stops a trial that Keras trains.

    An epoch of the trial is one of Keras'. What is monitored is reported at its end, if the
    network was validated in it, and whatever else was logged as further columns. Budget and
    interruption are asked before each batch of training and validation; at a stop Keras still
    validates one batch. A paused trial goes on with all variables of network and optimiser and
    with the random numbers, exactly so where the order of samples comes from PyTorch's global
    random numbers, as that of arrays does.

    Args:
        trial: The trial.
        monitor: What Keras calls the trial's metric; ``val_`` and its name if not given.

    Raises:
        ConfigurationError: Keras is missing, or its backend is another one than PyTorch.
    """

    def __init__(self, trial: Trial, monitor: str | None = None) -> None:
        super().__init__()
        import keras

        if keras.backend.backend() != "torch":
            raise ConfigurationError(
                f"Keras computes with {keras.backend.backend()}: set KERAS_BACKEND=torch before "
                "anything imports it"
            )
        self._loop, self._fitting = Loop(trial, monitor, "val_"), False

    def on_train_begin(self, logs: Any = None) -> None:
        """Go on from where the trial was paused, and begin its first epoch."""
        model: Any = self.model
        self._fitting = True
        if (state := self._loop.trial.restore()) is not None:
            model._initial_epoch = state["epoch"]  # as Keras' own BackupAndRestore does
            _restore(model, state)
        if not (self._loop.begin() and self._loop.may_step()):
            model._initial_epoch = sys.maxsize  # no epoch at all

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Ask before the next step, unless this was an epoch's last one."""
        if batch + 1 != self.params.get("steps"):
            self._step()

    def on_test_begin(self, logs: Any = None) -> None:
        """Say that joules are for validation from here on."""
        if self._loop.running:
            self._loop.trial.phase("validate")

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Ask before each step of validation."""
        if self._fitting:
            self._step()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Report and save, and begin the next epoch or stop."""
        loop = self._loop
        if not loop.running:
            return
        validated = any(name.startswith(loop.prefix) for name in logs or {})
        if loop.end_epoch(logs or {}, lambda: _state(self.model, epoch + 1), validated):
            self._step()
        else:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Check that there was something to report."""
        self._fitting = False
        self.model._initial_epoch = None
        self._loop.finish()

    def _step(self) -> None:
        if not self._loop.may_step():
            self.model.stop_training = self.model.stop_evaluating = True


def _state(model: Any, epoch: int) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "variables": [each.value for each in model.variables],
        "optimizer": [each.value for each in model.optimizer.variables],
        "random": random_state(),
    }


def _restore(model: Any, state: Mapping[str, Any]) -> None:
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    for variables, values in (
        (model.variables, state["variables"]),
        (model.optimizer.variables, state["optimizer"]),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    set_random_state(state["random"])
