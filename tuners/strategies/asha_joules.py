"""Asynchronous successive halving in which a rank must be worth its joules: ``asha-joules``.

    >>> from perjoule.models.outcome import State
    >>> from perjoule.models.space import Space
    >>> from perjoule.tuners.strategy import Told
    >>> space = Space.parse({"width": {"low": 8, "high": 64}, "epochs": 9})
    >>> def next_trial(*trials):
    ...     strategy = JoulesHalvingStrategy(space, seed=0)
    ...     for number, (score, energy_j) in enumerate(trials):
    ...         params = strategy.ask(spent_j=0.0).params
    ...         told = Told(params, State.PAUSED, score, energy_j, trial=number, epochs=1)
    ...         strategy.tell(told)
    ...     return strategy.ask(spent_j=9.0).trial
    >>> next_trial((0.5, 1.0), (0.8, 1.0), (0.6, 1.0))  # the best third goes on
    1
    >>> next_trial((0.5, 1.0), (0.8, 4.0), (0.6, 1.0)) is None  # but not at four times the joules
    True

When to use it: as ``asha``, where networks differ much in their joules per epoch.

Formula: of n candidates at a rung x goes on if both hold:

    rank(x) <= n / eta,    rank(x) price(x) <= n / eta,    price(x) = joules(x) / median joules

What it promises: the price of a trial is what the next rung is expected to take it, over what it is
expected to take the median trial at its rung. A trial goes on if its rank at the rung, and its rank
times its price, are within the best third: at twice the median's joules it must be in the best
sixth. Of those on the highest rung that has any, the one with the least product goes on first. If
there is none, a new one begins. So dear networks wait until they have beaten more others, and what
they would have taken goes into further candidates. Where all cost the same it is ``asha``; a price
that is unknown counts as the median. All else is as in `parts.multifidelity`.

Rungs in joules (``fidelity: joules``) are another answer to the same question: they give cheap
networks more epochs, and every promotion has one price. With them, too, this is ``asha``.
"""

from __future__ import annotations

from statistics import median

from ..parts.multifidelity import MultiFidelity, lift
from ..parts.rungs import ETA, Standing, Step


class JoulesHalvingStrategy(MultiFidelity):
    """Asynchronous successive halving (Li et al., MLSys 2020), promoting by rank and joules."""

    def next_step(self, standing: Standing) -> Step:
        """The slice to train next."""
        if not standing.priced:
            return standing.step(0)
        if step := lift(standing, standing.trials):
            return step
        for rung in reversed(range(self.ladder.top)):
            ranked = standing.ranked(rung, standing.trials)
            prices = _prices(standing, ranked)
            most = len(ranked) // ETA
            products = {n: rank * prices[n] for rank, n in enumerate(ranked[:most], 1)}
            for number in sorted(products, key=lambda n: products[n]):
                waits = standing.rung[number] == rung and standing.waits(number)
                if waits and products[number] <= most:
                    return standing.step(rung + 1, number)
        return standing.step(0)


def _prices(standing: Standing, numbers: list[int]) -> dict[int, float]:
    """Joules of the next rung for each trial, over those for the median of them."""
    epochs_j = {number: standing.trials[number].epoch_j for number in numbers}
    known = [epoch_j for epoch_j in epochs_j.values() if epoch_j is not None]
    middle_j = median(known) if known else 0.0
    if standing.ladder.in_joules or middle_j <= 0:
        return dict.fromkeys(numbers, 1.0)
    return {n: 1.0 if each_j is None else each_j / middle_j for n, each_j in epochs_j.items()}
