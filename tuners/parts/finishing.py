"""When the best paused trials are trained to the end, whatever their rungs."""

from __future__ import annotations

from statistics import fmean

from .multifidelity import lift
from .rungs import Standing, Step


def finishing(standing: Standing, every: int, best: int) -> Step | None:
    """The last slice of the best waiting trial, or None as long as others are to be begun.

    - Of every so many candidates begun the ``best`` are finished, those begun before them included.
    - As soon as the joules left hold no more than that, and one further candidate, the best are
      finished while the budget lasts: the best that fits; if none does, the best is trained as far
      as the joules go. Where the budget is infinite, or joules are unknown, this never happens.

    The best are those on the highest rung, and on it those of the best score.
    """
    top = standing.ladder.top
    if step := lift(standing, standing.trials):
        return step
    waiting = [
        number
        for rung in reversed(range(top))
        for number in standing.ranked(rung, standing.trials)
        if standing.rung[number] == rung and standing.waits(number)
    ]
    if not waiting:
        return None
    in_flight = sum(t.pending and standing.rung[t.number] >= 0 for t in standing.trials.values())
    n_finished = len(standing.reached[top]) + in_flight
    if n_finished < best * (len(standing.trials) // every):
        return standing.step(top, waiting[0])
    prices_j = {number: standing.price_j(top, number) for number in waiting}
    needed_j, beginning_j = [prices_j[number] for number in waiting[:best]], _beginning_j(standing)
    known_j = [price_j for price_j in needed_j if price_j is not None]
    if beginning_j is None or len(known_j) < len(needed_j):
        return None
    if standing.left_j >= sum(known_j) + beginning_j:
        return None
    fitting = (n for n, j in prices_j.items() if j is not None and j <= standing.left_j)
    return standing.step(top, next(fitting, waiting[0]))


def _beginning_j(standing: Standing) -> float | None:
    """Mean joules that a trial took to its first validated epoch; None if none is known."""
    firsts = [
        trial.energies_j[min(trial.energies_j)]
        for trial in standing.trials.values()
        if trial.energies_j
    ]
    return fmean(firsts) if firsts else None
