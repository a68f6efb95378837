"""How a comparison stands, in facts: for its own process, and for whoever watches its folder."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from ...energy.quantities import total
from ...models.metric import Metric
from ...models.outcome import State
from ..analysis.target import DEFAULT_TARGET, RANDOM, parse_target
from ..tables.facts import Fact
from .experiment import Experiment
from .pace import Pace

if TYPE_CHECKING:
    from ..analysis.target import Target
    from .heartbeat import SignOfLife
    from .run import Run


@dataclass(frozen=True)
class Flight(Fact):
    """A slice in flight, as it was last heard of."""

    run: str
    trial: int
    asking: bool  # whether its strategy is still asked what to train
    spent_j: float | None  # joules so far; None if unavailable
    epoch: int  # the last one that ended
    epochs: int | None  # that it may have; None if unknown
    projected_j: float | None  # what it should take in all; None as long as that is unknown
    pid: int | None  # of its worker's process


@dataclass(frozen=True)
class StrategyState(Fact):
    """One strategy: all of its runs together."""

    strategy: str
    runs: int
    over: int  # runs that are over
    allotment_j: float | None  # of all its runs; None: unlimited
    spent_j: float | None  # joules, those in flight included; None if unknown
    trials: int
    states: Mapping[str, int]  # trials by state; a paused one of a run that is over is pruned
    best: float | None  # score; None before the first result
    hits: int  # runs that reached the target
    target_j: float | None  # expected joules to the target (ERT_J); None before a run reached it
    search_share: float | None  # of the joules of trials, those of searching; None if unknown


@dataclass(frozen=True)
class Failures(Fact):
    """Trials that failed."""

    trials: int
    of: int  # trials in all
    reason: str  # the commonest message
    times: int  # how many failed by it


@dataclass(frozen=True)
class ComparisonState(Fact):
    """All runs of a comparison at one moment."""

    budget_j: float | None  # None: unlimited
    spent_j: float | None  # joules, those in flight included; None if unknown
    done: float | None  # share of the way to the end; None if unknown
    left_s: float | None  # seconds that are left of it; None before that is known
    trials: int
    runs: int
    over: int  # runs that are over
    best: float | None  # score
    target: float | None  # score to reach at present
    target_is: str  # as it was asked for
    strategies: tuple[StrategyState, ...]
    flights: tuple[Flight, ...]
    failures: Failures | None


class Standing:
    """Makes states of the runs of an experiment, and follows how fast they spend.

    Args:
        experiment: The experiment.
        target: The score to reach, as `analysis.target.parse_target` reads it.
    """

    def __init__(self, experiment: Experiment, target: str | float = DEFAULT_TARGET) -> None:
        self.metric = Metric.parse(experiment.metric)
        self._experiment = experiment
        self._target = parse_target(target, self.metric)
        self._joules, self._trials = Pace(), Pace()

    def restart(self) -> None:
        """A driver began: what was spent before says nothing of how fast it is spent now."""
        self._joules, self._trials = Pace(), Pace()

    def pass_by(self, now_s: float, spent_j: float | None, n_trials: int) -> None:
        """Take how far all runs were at some moment, in seconds of any clock."""
        self._joules.take(now_s, spent_j)
        self._trials.take(now_s, n_trials)

    def look(self, runs: Sequence[Run], now_s: float) -> ComparisonState:
        """The state of all runs now; slices in flight are those of ``run.flying``.

        Args:
            runs: All runs.
            now_s: Seconds of the same clock as for `pass_by`.
        """
        experiment = self._experiment
        spent_j = {run.name: _spent_j(run) for run in runs}
        done_trials = {run.name: len(run.told) for run in runs}
        self.pass_by(now_s, total(spent_j.values()), sum(done_trials.values()))
        best = _best(runs)
        target = _target(self._target, best, runs)
        groups: dict[str, list[Run]] = {}
        for run in runs:
            groups.setdefault(run.strategy, []).append(run)
        done, left_s = self._end(runs, spent_j)
        oriented = self.metric.oriented
        return ComparisonState(
            budget_j=_finite(experiment.budget_j),
            spent_j=total(spent_j.values()),
            done=done,
            left_s=left_s,
            trials=sum(run.n_trials for run in runs),
            runs=len(runs),
            over=sum(run.end is not None for run in runs),
            best=None if best is None else oriented(best),
            target=None if target is None else oriented(target),
            target_is=self._target.text,
            strategies=tuple(
                self._strategy(name, own, spent_j, target) for name, own in groups.items()
            ),
            flights=tuple(_flight(sign) for run in runs for sign in run.flying),
            failures=_failures(runs),
        )

    def _strategy(
        self,
        name: str,
        runs: Sequence[Run],
        spent_j: Mapping[str, float | None],
        target: float | None,
    ) -> StrategyState:
        accounts = [run.account for run in runs]
        best = _best(runs)
        hits = [None if target is None else account.reached(target) for account in accounts]
        n_hits = sum(hit is not None for hit in hits)
        until_j = total(
            run.spent_j if hit is None else hit.spent_j for run, hit in zip(runs, hits, strict=True)
        )
        searched_of_j = sum(account.searched_of_j for account in accounts)
        return StrategyState(
            strategy=name,
            runs=len(runs),
            over=sum(run.end is not None for run in runs),
            allotment_j=_finite(self._experiment.allotment_j * len(runs)),
            spent_j=total(spent_j[run.name] for run in runs),
            trials=sum(run.n_trials for run in runs),
            states=_states(runs),
            best=None if best is None else self.metric.oriented(best),
            hits=n_hits,
            target_j=until_j / n_hits if n_hits and until_j is not None else None,
            search_share=sum(account.searched_j for account in accounts) / searched_of_j
            if searched_of_j
            else None,
        )

    def _end(
        self, runs: Sequence[Run], spent_j: Mapping[str, float | None]
    ) -> tuple[float | None, float | None]:
        """How much of the way is behind, and the seconds to the end.

        A run ends by its joules or by its number of trials, by what comes first.
        """
        going = [run for run in runs if run.end is None]
        if not going:
            return 1.0, 0.0
        experiment = self._experiment
        ways: list[tuple[float, float | None]] = []
        if math.isfinite(experiment.allotment_j):
            known = [spent_j[run.name] for run in going]
            if None in known:
                return None, None
            left_j = [max(0.0, experiment.allotment_j - (each or 0.0)) for each in known]
            ways.append(self._way(left_j, experiment.budget_j, self._joules, going))
        if experiment.trials is not None:
            left = [max(0.0, experiment.trials - len(run.told)) for run in going]
            ways.append(self._way(left, experiment.trials * len(runs), self._trials, going))
        done, left_s = max(ways, key=lambda way: way[0])
        return done, left_s

    def _way(
        self, left: Sequence[float], whole: float, pace: Pace, going: Sequence[Run]
    ) -> tuple[float, float | None]:
        """The share that is done, and the seconds left.

        Workers share what is left, but a run has so many of them at most: the last one may go on
        alone.
        """
        busy = max(1, sum(len(run.flying) for run in going))
        at_once = min(busy, self._experiment.parallel_trials)
        longest = max(sum(left), max(left) * busy / at_once)
        return 1.0 - sum(left) / whole, pace.left_s(longest)


def _spent_j(run: Run) -> float | None:
    return total([run.spent_j, *(sign.energy_j for sign in run.flying)])


def _finite(amount: float) -> float | None:
    return amount if math.isfinite(amount) else None


def _best(runs: Iterable[Run]) -> float | None:
    """The best score of some runs, oriented."""
    return max((run.account.climbs[-1].score for run in runs if run.account.climbs), default=None)


def _target(target: Target, best: float | None, runs: Sequence[Run]) -> float | None:
    """The oriented score to reach at present."""
    if not target.is_share or best is None or target.metric.is_share:
        return None if target.is_share and best is None else target.score(best or 0.0)
    for counted in ([run for run in runs if run.strategy == RANDOM], runs):
        scores = [score for run in counted for score in run.account.scores.values()]
        if scores:
            return target.score(best, median(scores))
    return None


def _states(runs: Iterable[Run]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for run in runs:
        own = Counter(run.account.states.values())
        if run.end is not None:
            own[State.PRUNED] += own.pop(State.PAUSED, 0)
        counts.update({state.value: count for state, count in own.items() if count})
    return {state.value: counts[state.value] for state in State if counts[state.value]}


def _failures(runs: Iterable[Run]) -> Failures | None:
    reasons: Counter[str] = Counter()
    n_trials = 0
    for run in runs:
        reasons.update(run.account.failures)
        n_trials += run.n_trials
    if not reasons:
        return None
    [(reason, times)] = reasons.most_common(1)
    return Failures(reasons.total(), n_trials, reason, times)


def _flight(sign: SignOfLife) -> Flight:
    found, epochs = sign.projection, (sign.params or {}).get("epochs")
    return Flight(
        run=sign.run,
        trial=sign.trial,
        asking=sign.params is None,
        spent_j=sign.energy_j,
        epoch=sign.epoch,
        epochs=epochs if isinstance(epochs, int) and not isinstance(epochs, bool) else None,
        projected_j=found and found.total_j,
        pid=sign.pid,
    )
