"""Training candidates of one shape in lockstep, each with its own rates, order and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ..network_training import NetworkTraining
from ..training import EVALUATION_BATCH
from ..trial import Trial
from .crew import Crew
from .member import Member

Done = Callable[[Trial, Exception | None], None]


def train_together(training: NetworkTraining, trials: Sequence[Trial], done: Done) -> None:
    """Train the candidates of several trials, all of one `fusable_shape`, in lockstep.

    Results are those of training each by itself, within the rounding of floating point. Each trial
    is asked before each step and each batch of validation whether to stop; one that ends leaves the
    stack, and the others go on.

    Args:
        training: How they are trained.
        trials: Whose candidates they are.
        done: Told of each trial, as soon as it has left the stack, with what it failed of, if it
            did: a `TrialFailed`, or an error of building, restoring or reporting.

    Raises:
        Exception: Whatever a step of the whole stack raises, such as exhausted memory; `done` is
            not told of those that were in it.
    """
    lockstep = _Lockstep(training, trials, done)
    while lockstep.begin_epoch():
        lockstep.train_epoch()
        lockstep.validate()


class _Lockstep:
    """Those members whose trials go on."""

    def __init__(self, training: NetworkTraining, trials: Sequence[Trial], done: Done) -> None:
        self._training, self._done = training, done
        self._members: list[Member] = []
        self._crew: Crew | None = None
        for trial in trials:
            try:
                self._members.append(Member(training, trial))
            except Exception as error:  # noqa: BLE001 - the others go on
                done(trial, error)

    def begin_epoch(self) -> bool:
        """Begin the next epoch of all members; whether any has one."""
        self._keep(Member.begin_epoch)
        return bool(self._members)

    def train_epoch(self) -> None:
        """Train for one pass over the training split; those that stop inside it leave."""
        n_seen = 0
        n_steps = len(self._members[0].batches)  # of every member: they see the same split
        with torch.random.fork_rng([]):  # augmentation draws from PyTorch's own generator
            for step in range(n_steps):
                self._keep(Member.goes_on)
                if self._members:
                    n_seen += self._make_crew().train(step)
        self._keep(lambda member: member.begin_validation(n_seen))

    def validate(self) -> None:
        """Validate and report the epoch; those that stop inside it, or need no other, leave."""
        for inputs in self._training.data.validation.inputs.split(EVALUATION_BATCH):
            self._keep(Member.goes_on)
            if self._members:
                outputs = self._make_crew().infer(inputs)
                for member, logits in zip(self._members, outputs, strict=True):
                    member.logits.append(logits)
        self._keep(Member.end_epoch)

    def _make_crew(self) -> Crew:
        """The crew of all members, a new one if they have changed."""
        if self._crew is None or self._crew.members is not self._members:
            self._crew = Crew(self._training, self._members)
        return self._crew

    def _keep(self, stays: Callable[[Member], bool]) -> None:
        """Keep the members that say yes; one that raises an error has failed."""
        staying: list[Member] = []
        left: list[tuple[Trial, Exception | None]] = []
        for member in self._members:
            error = None
            try:
                if stays(member):
                    staying.append(member)
                    continue
            except Exception as failure:  # noqa: BLE001 - the others go on
                error = failure
            left.append((member.trial, error))
        if left:
            self._members = staying
        for trial, error in left:
            self._done(trial, error)
