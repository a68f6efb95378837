"""Hugging Face Transformers: a callback between its `Trainer` and a trial.

    import perjoule
    from transformers import Trainer, TrainingArguments

    def train(trial):
        trainer = Trainer(
            model=build(**trial.params),
            args=TrainingArguments(
                "/tmp/trainer",
                eval_strategy="epoch", save_strategy="no", report_to=[], disable_tqdm=True,
                num_train_epochs=trial.params["epochs"],
                learning_rate=trial.params["learning_rate"],
                seed=trial.seed,
            ),
            train_dataset=train_set,
            eval_dataset=validation_set,
            compute_metrics=compute_metrics,  # gives "accuracy"
            callbacks=[perjoule.TransformersCallback(trial)],
        )
        trainer.train()

    perjoule.compare(objective=train, space={"learning_rate": …, "epochs": 3}, budget="6 kJ")

The schedule of the learning rate is made for ``num_train_epochs``, so give all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..trial import Trial
from .loop import Loop, base_class
from .randomness import random_state, set_random_state

TrainerCallback = base_class("transformers", "transformers:TrainerCallback")
STATEFUL = ("model", "optimizer", "lr_scheduler")
SPEEDS = ("_runtime", "_per_second", "epoch")  # ends of names that are no figures of the network


class TransformersCallback(TrainerCallback):
    """Reports, saves and stops a trial that a Hugging Face ``Trainer`` trains.

    An epoch of the trial ends with each evaluation, be it every epoch or every so many steps, at
    which what is monitored is reported, and all else of the evaluation as further columns. Budget
    and interruption are asked before each step; what an evaluation takes is learnt from the one
    before and left for it. A paused trial goes on with network, optimiser, learning rate schedule,
    step and random numbers; exactly so if it is evaluated at the end of epochs, otherwise the rest
    of an epoch's samples is drawn anew.

    Args:
        trial: The trial.
        monitor: What the evaluation calls the trial's metric; ``eval_`` and its name if not given.
    """

    def __init__(self, trial: Trial, monitor: str | None = None) -> None:
        super().__init__()
        self._loop = Loop(trial, monitor, "eval_")
        self._step, self._names = 0, ()  # of the last report; what evaluations logged

    def on_train_begin(self, args: Any, state: Any, control: Any, **parts: Any) -> None:
        """Go on from where the trial was paused, and begin its first epoch."""
        if (saved := self._loop.trial.restore()) is not None:
            _restore(parts, saved)
            state.global_step = saved["step"]
        self._step = state.global_step
        self._loop.begin()
        self._ask(control)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask before the next step, unless an evaluation or the end of an epoch comes first."""
        if control.should_evaluate:
            self._loop.trial.phase("validate")
        elif not float(state.epoch).is_integer():
            self._ask(control)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask before the next epoch's first step, unless an evaluation comes first."""
        if self._loop.running and control.should_evaluate:
            self._loop.trial.phase("validate")
        else:
            self._ask(control)

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any], **parts: Any
    ) -> None:
        """Report and save, and begin the next epoch or stop."""
        loop, self._names = self._loop, tuple(metrics)
        # There may be several sets to evaluate, and one evaluation before the first step.
        if loop.monitor in metrics and loop.running and state.global_step > self._step:
            self._step = state.global_step
            logged = {name: each for name, each in metrics.items() if not name.endswith(SPEEDS)}
            loop.end_epoch(logged, lambda: _state(parts, state))
            self._ask(control)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Check that there was something to report."""
        self._loop.finish(self._names)

    def _ask(self, control: Any) -> None:
        """Ask, and end the training at a stop, without an evaluation."""
        if not self._loop.may_step():
            control.should_training_stop = True
            control.should_evaluate = control.should_save = control.should_log = False


def _state(parts: Mapping[str, Any], state: Any) -> dict[str, Any]:
    return {
        **{name: parts[name].state_dict() for name in STATEFUL},
        "step": state.global_step,
        "passes": int(state.epoch),  # over the data
        "random": random_state(),
    }


def _restore(parts: Mapping[str, Any], saved: Mapping[str, Any]) -> None:
    for name in STATEFUL:
        parts[name].load_state_dict(saved[name])
    loader = parts["train_dataloader"]
    sampler: Any = loader.get_sampler() if hasattr(loader, "get_sampler") else None
    if hasattr(sampler, "initial_seed"):  # Accelerate's; the trainer counts epochs from 0 again
        sampler.initial_seed += saved["passes"]
    set_random_state(saved["random"])
