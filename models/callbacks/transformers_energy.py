"""Hugging Face Transformers: a callback that only meters.

    import perjoule
    from transformers import Trainer, TrainingArguments

    callback = perjoule.TransformersEnergyCallback()
    Trainer(model, TrainingArguments("out"), train_dataset=…, callbacks=[callback]).train()
    print(callback.reading)                     # 1.23 kJ in 60 s: cpu 1.23 kJ (modelled, …)
    print(callback.epochs[0].train.total_j)

Each epoch's joules go to the trainer's log, so to whatever ``report_to`` names.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import FrameType
from typing import Any

from .loop import base_class
from .phase_meter import TRAIN, VALIDATE, Metering, harmless

TrainerCallback = base_class("transformers", "transformers:TrainerCallback")


class TransformersEnergyCallback(Metering, TrainerCallback):
    """Meters what a Hugging Face ``Trainer`` trains, by epoch and by phase, and logs each epoch.

    Logged with the trainer's ``log``, so to all of ``report_to`` and ``state.log_history``, are
    ``energy_j`` (the epoch's), ``energy_train_j``, ``energy_validate_j``, the same by kind
    (``energy_modelled_j``, ``energy_measured_j`` …) and ``energy_so_far_j``. Joules that are not
    known are left out, never 0. Where several processes train together each meters itself, and
    rank 0's are logged. An error of the meter ends no training. The trainer tells callbacks nothing
    where a training fails: ``reading`` then ends with the last change of phase, and ``close`` ends
    the metering, as the next training does.

    Args:
        meter: As of ``EnergyMeter``, or one of yours.

    Raises:
        ConfigurationError: Transformers is missing.
    """

    @harmless
    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Begin to meter."""
        self._epoch = int(state.epoch or 0)  # more than 0 where it goes on from a checkpoint
        self._phases.start(args.process_index, args.world_size)

    @harmless
    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Log the epoch before, whose evaluation came after its end, and begin the next."""
        self._end_epoch()
        self._phases.enter(TRAIN)

    @harmless
    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say that joules are for training: not everything that evaluates tells its end."""
        self._train_again()

    @harmless
    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say that joules are for evaluation from here on, if one comes next."""
        self._enter_if_evaluated(control)

    @harmless
    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The same at the end of an epoch."""
        self._enter_if_evaluated(control)

    @harmless
    def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The same where something else evaluates, at its first batch."""
        if self._phases.in_epoch and not _is_called_by_train():
            self._phases.abandon()  # the training failed, some time ago
        if self._phases.in_epoch:
            self._phases.enter(VALIDATE)

    @harmless
    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Say that joules are for training again."""
        self._train_again()

    @harmless
    def on_predict(self, args: Any, state: Any, control: Any, metrics: Any, **_: Any) -> None:
        """The same after a prediction."""
        self._train_again()

    @harmless
    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Log the last epoch after the training's summary: some ends of logs come before ours."""
        if "train_runtime" in (logs or {}):
            self._end_epoch()

    @harmless
    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """End the metering."""
        self._end_epoch()
        self._phases.finish()

    def close(self) -> None:
        """End the metering of a training that failed."""
        self._phases.finish()

    def _train_again(self) -> None:
        if self._phases.in_epoch:
            self._phases.enter(TRAIN)

    def _enter_if_evaluated(self, control: Any) -> None:
        if control.should_evaluate and self._phases.in_epoch:
            self._phases.enter(VALIDATE)

    def _end_epoch(self) -> None:
        if not self._phases.in_epoch:
            return
        figures = self._phases.figures_of(self._epoch)
        self._epoch += 1
        if (trainer := _calling_trainer()) is None:
            self._phases.tell("no trainer was found to log to; `epochs` has the joules")
        elif figures:
            trainer.log(figures)


def _calling_trainer() -> Any:
    """The trainer whose event this is: it gives itself to no callback, and its log is its own."""
    for frame in _frames():
        caller = frame.f_locals.get("self")
        if hasattr(caller, "callback_handler") and hasattr(caller, "log"):
            return caller
    return None


def _is_called_by_train() -> bool:
    """Whether a training goes on: the trainer tells it wrongly after one that failed."""
    return any(
        frame.f_code.co_name == "train" and hasattr(frame.f_locals.get("self"), "callback_handler")
        for frame in _frames()
    )


def _frames() -> Iterator[FrameType]:
    frame = inspect.currentframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


EnergyCallback = TransformersEnergyCallback
