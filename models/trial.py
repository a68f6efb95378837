"""The seam between a training function and what meters, stops and records it.

A training function takes a `Trial`, trains the candidate in ``trial.params`` and reports:

    def train(trial):
        network = build(**trial.params)
        if (state := trial.restore()) is not None:
            network.load_state_dict(state["network"])
        for epoch in trial.epochs():
            for batch in loader:
                if trial.should_stop():
                    break
                ...
            trial.report(accuracy=0.93, loss=0.2)
            trial.save({"network": network.state_dict()})

``should_stop`` is optional: with it the budget holds to 1 % inside an epoch, without it at epochs.
``save`` and ``restore`` are optional, too: without them a paused trial begins again when it is gone
on with, and the repeated joules are charged. A function that reports nothing and returns a number
is one step. perjoule's own training of networks is one user of this seam.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .metric import Metric
from .outcome import CurvePoint, SliceResult, State
from .phases import PHASES, SETUP, TRAIN, Assignment, Phases

_CUT_SHORT = (State.TRUNCATED, State.INTERRUPTED)


class TrialFailed(Exception):  # noqa: N818 - says what happened, as State.FAILED does
    """Ends a trial as failed, with its joules; the message says why."""


@dataclass(eq=False)
class Trial:
    """A slice of one candidate's training, as its training function sees it.

        def train(trial):
            model = build(trial.params["width"])
            for epoch in trial.epochs():
                trial.report(accuracy=train_one_epoch(model))

        perjoule.compare(objective=train, space={"width": [8, 16], "epochs": 4})

    Attributes:
        params: The candidate's hyperparameters; one that is inactive is None.
        seed: The seed of the run: for weights, order of samples, dropout.
        device: Where to train: ``"cpu"``, ``"cuda:0"``.
        number: Number of the trial in its run, from 0.
        metric: What ``report`` must be given, by its name.
    """

    params: Mapping[str, Any]
    seed: int
    device: str
    number: int
    metric: Metric
    _assignment: Assignment = field(repr=False)
    _phases: Phases = field(repr=False)
    _saved: Mapping[str, Any] | None = field(default=None, repr=False)  # by the slice before
    _epoch: int = field(default=0, init=False)  # whole epochs behind it
    _restored: int = field(default=0, init=False)  # of these, by the slices before
    _in_loop: bool = field(default=False, init=False)
    _asks: bool = field(default=False, init=False)  # whether `should_stop` was ever called
    _half_trained: bool = field(default=False, init=False)  # whether it was stopped in an epoch
    _ended: State | None = field(default=None, init=False)  # None while it may go on
    _began_j: float | None = field(default=None, init=False)  # when the present epoch did
    _curve: list[CurvePoint] = field(default_factory=list, init=False)
    _kept: tuple[int, dict[str, Any]] | None = field(default=None, init=False)  # epoch and state
    _figures: dict[str, int] = field(default_factory=dict, init=False)  # of the network
    _test_score: float | None = field(default=None, init=False)

    def epochs(self) -> Iterator[int]:
        """Yield the epochs to train, counted from 0, from where a restored trial stands.

        There are as many as the hyperparameter ``epochs`` of the space says, 1 without it. Between
        epochs the budget and an interruption are asked, so the loop may end early.

        Raises:
            TrialFailed: It is called a second time.
        """
        if self._in_loop:
            raise TrialFailed("trial.epochs() is looped over twice: train in one loop")
        self._in_loop = True
        while True:
            self._phases.enter(TRAIN)
            if not self._may_begin_epoch():
                return
            yield self._epoch
            if self._ended is not None:
                return
            self._epoch += 1

    def should_stop(self) -> bool:
        """Whether to stop at once, asked before each step: what follows is not recorded.

        Costs a clock reading, unless the budget is due for a check.
        """
        if self._ended is not None:
            return True
        self._asks = True
        if self._phases.name == SETUP:
            self._phases.enter(TRAIN)
        if not self._phases.should_stop():
            return False
        self._ended = State.INTERRUPTED if self._assignment.interrupted() else State.TRUNCATED
        self._half_trained = True
        return True

    def report(self, **values: Any) -> None:
        """Report the metric by its name after an epoch; ``loss`` and whatever else with it.

        After the loop over ``epochs()`` it is of the last one; without such a loop each report ends
        an epoch. What comes after ``should_stop`` said yes is dropped: its epoch is not whole.

            trial.report(accuracy=0.93, loss=0.2, top5=0.99)

        Raises:
            TrialFailed: The metric is missing or out of its bounds, a value is no number, or there
                are more reports than epochs.
        """
        figures = {name: _number(name, value) for name, value in values.items()}
        if self.metric.name not in figures:
            given = ", ".join(figures) or "nothing"
            name = self.metric.name
            raise TrialFailed(f"trial.report got {given}, but not {name}, which is the metric")
        if self._ended is None:
            self._phases.learn_tail()
        elif not self._in_loop:
            self._refuse_more()
            return
        self._record(self._present, figures)
        if self._ended is None and not self._in_loop:
            self._epoch += 1
            self._may_begin_epoch()

    def _refuse_more(self) -> None:
        if not self.cut_short:
            raise TrialFailed(
                f"more reports than the {self._epoch} epochs that were asked for: loop over "
                "trial.epochs(), or return once trial.should_stop(); how many there are is the "
                "hyperparameter epochs of the space"
            )

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep a state to go on from: nested dictionaries of tensors, numbers, text and bytes.

        Call it after ``report``. The state is copied only where it may be needed: if the trial may
        be paused, or is the best so far.

        Raises:
            TrialFailed: There is something else in it, which could not be restored.
        """
        if self._half_trained:
            return
        beat = self._assignment.beat
        epoch = self._present if self._in_loop else self._epochs_seen
        scored = self._curve and self._curve[-1].epoch == epoch
        worth = not scored or self._assignment.stop.pause
        self._kept = None
        if worth or self.metric.improves(self._curve[-1].score, beat):
            from .checkpoint import copy_to_cpu

            try:
                self._kept = epoch, copy_to_cpu(dict(state))
            except TypeError as error:
                raise TrialFailed(f"trial.save: {error}") from error

    def restore(self) -> Mapping[str, Any] | None:
        """The state that a paused trial saved, with tensors on the CPU; None if there is none.

        With it ``epochs()`` goes on where the trial was paused, without it from the beginning.
        """
        if self._saved is None:
            return None
        self._epoch = self._restored = self._saved["epoch"]
        return self._saved["state"]

    def test(self, score: float) -> None:
        """Tell the score on test data of what was just reported; it is only ever reported.

        Call it after ``report``; it is forgotten at the next report.

        Raises:
            TrialFailed: It is no number within the metric's bounds.
        """
        score = _number(f"test {self.metric.name}", score)
        if fault := self.metric.fault_of(score, "on test data"):
            raise TrialFailed(fault)
        if not self._half_trained:
            self._test_score = score

    def count_operations(self, operations: float) -> None:
        """Tell operations that were done, for the meter ``model``, which counts joules by them.

        Raises:
            TrialFailed: They are no number, or below 0.
        """
        self._assignment.meter.count_operations(_amount("operations", operations))

    def phase(self, name: str) -> None:
        """Say what the joules from here on are for: ``"setup"``, ``"train"`` or ``"validate"``.

        Optional: what comes before the first epoch is setup, all else training.
        """
        if name not in PHASES:
            raise TrialFailed(f"trial.phase({name!r}): take one of {', '.join(PHASES)}")
        self._phases.enter(name)

    def describe(self, n_parameters: int, flops: int) -> None:
        """Tell trainable parameters, and operations of the forward pass of one sample."""
        figures = {"n_parameters": n_parameters, "flops": flops}
        self._figures = {name: int(_amount(name, each)) for name, each in figures.items()}

    def announce_steps(self, train: float, validate: float) -> None:
        """Tell the operations of one step of training and of validation.

        They are then counted for the meter ``model``, and each first step is foreseen from those of
        other candidates, so that not even it overdraws the budget.
        """
        self._phases.announce(_amount("train", train), _amount("validate", validate))

    # What runs the function calls the rest.

    def take(self, returned: Any) -> None:
        """Take what the function returned: the score, if it is a number and none was reported.

        Raises:
            TrialFailed: There is no score, or it is out of the metric's bounds.
        """
        if self.cut_short or self._curve or self._epochs_seen <= self._assignment.done:
            return
        name = self.metric.name
        if returned is None:
            raise TrialFailed(f"it gave no {name}: call trial.report({name}=…), or return it")
        self._record(self._epochs_seen, {name: _number(name, returned)})

    @property
    def cut_short(self) -> bool:
        """Whether it was asked to stop by its budget or by an interruption."""
        return self._ended in _CUT_SHORT

    def close(self) -> SliceResult:
        """End the slice and tell all of it but its time and its checkpoint."""
        self._phases.enter(SETUP)
        setup, train, validate = self._phases.readings
        train_step, validate_step = self._phases.first_steps
        reported = self._curve[-1].epoch if self._curve else 0
        done = self._assignment.done
        return SliceResult(
            params=self.params,
            state=self._ended or State.COMPLETE,  # the function ended it by itself
            score=self._curve[-1].score if self._curve else None,
            test_score=self._test_score,
            setup=setup,
            train=train,
            validate=validate,
            epochs=max(self._epoch, reported, done),
            n_parameters=self._figures.get("n_parameters"),
            flops=self._figures.get("flops"),
            train_step=train_step,
            validate_step=validate_step,
            asks=self._asks or (self._epoch == self._restored and not self._curve),
            repeated=max(0, min(self._epoch, done) - self._restored),
            curve=tuple(self._curve),
        )

    @property
    def kept(self) -> dict[str, Any] | None:
        """The last state that was saved, with its epoch."""
        return None if self._kept is None else {"epoch": self._kept[0], "state": self._kept[1]}

    @property
    def _present(self) -> int:
        """The epoch that a report is of: the present one, or the last one after the loop."""
        return self._epoch + 1 if self._ended is None or self._half_trained else self._epoch

    @property
    def _epochs_seen(self) -> int:
        """Epochs behind it, the one that was just reported included; at least 1."""
        return max(self._epoch, self._curve[-1].epoch if self._curve else 1)

    def _record(self, epoch: int, figures: dict[str, float]) -> None:
        """Add a point to the curve, in place of another of the same epoch."""
        score = figures.pop(self.metric.name)
        if fault := self.metric.fault_of(score, f"in epoch {epoch}"):
            raise TrialFailed(fault)
        loss = score if self.metric.name == "loss" else figures.pop("loss", math.nan)
        if self._half_trained:
            return
        self._phases.enter(TRAIN)
        self._test_score = None
        if epoch <= self._assignment.done:
            return  # trained again for want of a state
        if self._curve and self._curve[-1].epoch == epoch:
            self._curve.pop()
        energy_j = self._phases.energy_j
        self._curve.append(CurvePoint(epoch, energy_j, score, loss, figures or None))
        self._assignment.reported(epoch, energy_j)

    def _may_begin_epoch(self) -> bool:
        """Whether another epoch shall be trained; if not, why is noted."""
        given, energy_j, began_j = self._assignment, self._phases.energy_j, self._began_j
        stop, self._began_j = given.stop, energy_j
        next_j = self._phases.next_step_j
        if energy_j is not None and began_j is not None:
            next_j = max(next_j, energy_j - began_j)  # an epoch like the last one
        rung_j = math.inf if stop.energy_j is None else stop.energy_j
        if self._epoch >= stop.epochs:
            # With a rung of joules, all epochs may have come before it.
            paused = stop.pause and stop.energy_j is None
            self._ended = State.PAUSED if paused else State.COMPLETE
        elif self._curve and energy_j is not None and energy_j >= rung_j:
            self._ended = State.PAUSED if stop.pause else State.COMPLETE
        elif given.interrupted():
            self._ended = State.INTERRUPTED
        elif not given.budget.expect(next_j):
            self._ended = State.TRUNCATED
        return self._ended is None


def _number(name: str, value: Any) -> float:
    """A number, also of NumPy or of a tensor of one element; a text is none."""
    try:
        if isinstance(value, str | bytes | bytearray):
            raise TypeError
        return float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise TrialFailed(f"{name} = {str(value)[:80]!r} is no number") from error


def _amount(name: str, value: Any) -> float:
    """A finite number of 0 or more; a whole one stays one."""
    number = _number(name, value)
    if not math.isfinite(number) or number < 0:
        raise TrialFailed(f"{name} = {number} is no amount: tell a number from 0 up")
    return value if isinstance(value, int) else number
