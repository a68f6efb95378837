"""The median stopping rule: stops what is worse than the median of earlier trials: ``median``.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 9})
    >>> strategy = MedianStrategy(space, seed=0, startup_trials=1)
    >>> params = strategy.ask(spent_j=0.0).params
    >>> strategy.tell(Told(params, State.COMPLETE, 0.8, energy_j=9.0, trial=0, epochs=9))
    >>> params = strategy.ask(spent_j=9.0).params
    >>> strategy.tell(Told(params, State.PAUSED, 0.7, energy_j=1.0, trial=1, epochs=1))
    >>> strategy.ask(spent_j=10.0).trial is None  # trial 1 is worse: another is begun
    True

When to use it: where successive halving stops too much too early; it is the most careful of the
multi-fidelity strategies (Golovin et al., KDD 2017).

Formula: a trial x goes on from the epoch r if, over the earlier trials e that came as far,

    max over t <= r of score(x, t)  >=  median over e of (mean over t <= r of score(e, t))

What it promises: see `parts.multifidelity`.
"""

from __future__ import annotations

from statistics import median
from typing import Any

from ...models.space import Space
from ..parts.multifidelity import MultiFidelity
from ..parts.rungs import Standing, Step
from ..strategy import Task

STARTUP_TRIALS = 5  # trials at a rung before the median rule stops one there


class MedianStrategy(MultiFidelity):
    """The median stopping rule (Golovin et al., KDD 2017) at each rung.

    A trial goes on unless its best score so far is below the median of the mean scores that
    the trials begun before it had up to the same rung. Stopping is leaving it paused.

    ``startup_trials`` must have reached a rung for one to be stopped there.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        task: Task | None = None,
        *,
        startup_trials: int = STARTUP_TRIALS,
        **options: Any,
    ) -> None:
        super().__init__(space, seed, task, **options)
        self._startup_trials = startup_trials

    def next_step(self, standing: Standing) -> Step:
        """The slice to train next."""
        earlier: list[list[float]] = [[] for _ in self.ladder.rungs]
        for number in sorted(standing.trials):
            rung = standing.rung[number]
            if standing.priced and standing.waits(number):
                known = earlier[rung] if rung >= 0 else []
                enough = len(known) >= self._startup_trials
                if not enough or max(standing.curve(rung, number)) >= median(known):
                    return standing.step(rung + 1, number)
            for each in range(rung + 1):
                scores = standing.curve(each, number)
                earlier[each].append(sum(scores) / len(scores))
        return standing.step(0)
