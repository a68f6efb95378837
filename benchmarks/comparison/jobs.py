"""What workers are to do next for a run, of which several trials may be in flight at once.

With one trial at a time a job asks and trains. Else an ask and the training of its work are two
jobs. At most one ask of a run is in flight then, and knows by guesses (`tuners.pending`) what else
is. A slice begins only if the pot of its run holds what the ask and a first epoch may take. What
was lost with its worker is trained again as it is, since later asks went on from it.

Where candidates are fused, an ask is for several slices, which are given to one worker together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from secrets import token_hex

from .messages import Job, Outcome, Prepared, Setting, Turn
from .pot import Pot
from .run import ASK_MARGIN, Run


class Jobs:
    """Makes the jobs of a comparison's runs."""

    def __init__(self, setting: Setting, prepared: Prepared) -> None:
        self._setting, self._prepared = setting, prepared
        self._allotment_j = setting.experiment.allotment_j
        self._fuse = setting.experiment.fuse
        self._most = setting.experiment.most_in_flight
        self._most_trials = setting.experiment.trials or math.inf
        self._pots: dict[str, Pot] = {}
        self._waiting: set[str] = set()  # runs that can do nothing before a slice of theirs ends
        self._suspected: set[str] = set()  # runs whose lost slices may have ended their worker

    def has_room(self, run: Run, jobs: Sequence[Job]) -> bool:
        """Whether a run with these jobs in flight may get another one now."""
        if run.name in self._waiting or len(jobs) >= self._most:
            return False
        if jobs and run.lost and run.name in self._suspected:
            return False  # one by one, so that only the guilty ones fail
        return all(job.turn is not None and job.turn.work is not None for job in jobs)

    def wait(self, run: Run) -> None:
        """Give the run no further job before one of its slices has ended."""
        self._waiting.add(run.name)

    def ended(self, run: Run) -> None:
        """A job of the run has ended."""
        self._waiting.discard(run.name)
        if not run.lost:
            self._suspected.discard(run.name)

    def suspect(self, runs: Sequence[Run]) -> None:
        """Slices of these runs were lost when a worker died."""
        self._waiting.clear()
        self._suspected.update(run.name for run in runs)

    def expected_j(self, run: Run) -> tuple[float, float]:
        """What the next ask may take, as much as the rehearsed or the last one; and an epoch."""
        early_j, fitted_j = self._prepared.ask_j[run.strategy]
        epoch_j, last_j = self._prepared.epoch_j or 0.0, run.ask_j
        startup = self._prepared.startup_trials.get(run.strategy)
        if startup is None or len(run.history) < startup:
            return max(early_j, last_j), epoch_j
        return ASK_MARGIN * max(fitted_j, last_j), epoch_j

    def next_job(self, run: Run, jobs: Sequence[Job]) -> Job | None:
        """The next job of a run that has these in flight; None if it must wait for one of them."""
        assert run.spent_j is not None
        job = Job(
            run=run.name,
            strategy=run.strategy,
            seed=run.seed,
            trial=run.n_trials,
            n_slices=run.n_slices(run.n_trials),
            untold=dict(run.untold),
            n_idle_asks=run.n_idle_asks,
            history=run.past,
            spent_j=run.spent_j,
            remaining_j=self._allotment_j - run.spent_j,
            incumbent=run.incumbent,
        )
        return job if self._most == 1 else self._share(job, run, jobs)

    def _share(self, job: Job, run: Run, jobs: Sequence[Job]) -> Job | None:
        """Make of a run's job one that takes from its pot, and asks or trains."""
        pot, in_flight = self._pot(run), [(each.trial, _turn(each)) for each in jobs]
        if not jobs:
            pot.fill(job.remaining_j)
        flying = [turn.work for _, turn in in_flight]
        lost = next((each for each in run.lost if each.work not in flying), None)
        ask_j, epoch_j = self.expected_j(run)
        n_asked = 1 if lost else self._most_asked(run, jobs)
        while n_asked > 1 and ask_j + n_asked * epoch_j > pot.left_j:
            n_asked //= 2
        granted_j = min(epoch_j if lost else ask_j + n_asked * epoch_j, job.remaining_j)
        if not pot.reserve(granted_j) and jobs:
            return None
        slot = min(set(range(len(jobs) + 1)) - {turn.slot for _, turn in in_flight})
        trial = max([job.trial, *(number + 1 for number, _ in in_flight)])
        if lost is not None:
            trial = trial if lost.work.trial is None else lost.work.trial
            turn = Turn(slot, work=lost.work, granted_j=granted_j)
            return replace(job, trial=trial, n_slices=run.n_slices(trial), turn=turn)
        pending = tuple((number, turn.work) for number, turn in in_flight if turn.work)
        turn = Turn(slot, pending, count=n_asked, granted_j=granted_j)
        return replace(job, trial=trial, n_slices=run.n_slices(trial), turn=turn)

    def _most_asked(self, run: Run, jobs: Sequence[Job]) -> int:
        """How many slices may be asked for at once."""
        n_begun = run.n_begun(job.trial for job in jobs)
        return max(1, int(min(self._fuse, self._most - len(jobs), self._most_trials - n_begun)))

    def train(self, job: Job, run: Run, asked: Outcome, others: Sequence[Job]) -> list[Job]:
        """The jobs that train what another one has asked for, beside others that are in flight.

        The first of them has its sign of life.
        """
        turn, n_works = _turn(job), len(asked.works)
        taken = {_turn(each).slot for each in others}
        slots = (slot for slot in count() if slot not in taken and slot != turn.slot)
        numbers = count(job.trial)
        granted_j = (turn.granted_j - (asked.search.total_j or 0.0)) / n_works
        jobs = [
            replace(
                job,
                trial=(trial := next(numbers) if work.trial is None else work.trial),
                n_slices=run.n_slices(trial),
                untold=dict(run.untold),
                history=run.past,
                incumbent=run.incumbent,
                turn=replace(
                    turn,
                    slot=next(slots),
                    pending=(),
                    work=work,
                    ask=asked.search.split(n_works),
                    count=1,
                    granted_j=granted_j,
                ),
                nonce=token_hex(8),
            )
            for work in asked.works
        ]
        first = jobs[0].turn
        assert first is not None
        jobs[0] = replace(jobs[0], nonce=job.nonce, turn=replace(first, slot=turn.slot))
        return jobs

    def give_back(self, job: Job, run: Run, asked: Outcome) -> None:
        """Give back what was taken for an ask that gave no work."""
        self._pot(run).put_back(_turn(job).granted_j - (asked.search.total_j or 0.0))

    def _pot(self, run: Run) -> Pot:
        return self._pots.setdefault(run.name, Pot(self._setting, run.name))


def _turn(job: Job) -> Turn:
    assert job.turn is not None
    return job.turn
