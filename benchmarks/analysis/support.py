"""Whether the runs of a group support that its leader is better than the other strategies.

Each strategy needs at least five runs. Then two things may be shown, by exact tests
(`statistics.permutation`) and, for joules, by the ratio of the expected joules too, whose 95 %
interval must lie above 1:

**Better than each of the others**: the test of the leader against every other strategy is below
5 %. All of these must hold, so none is corrected for their number: the claim is false only if some
other strategy is as good, and then the test of that one errs (an intersection-union test: Berger,
1982). Nor does it matter that the data say who leads (Gutmann and Maymin, 1987, "Is the selected
population the best?"): the worst case is two that are equally good and far ahead of the rest, where
the one or the other is called the best in 5 % of the cases.

**Better than the others together**, for three strategies and more: the test of the leader's runs
against those of all others in one, times half the number of strategies, is below 5 %. Each strategy
might have been the leader, and only the direction in which it leads is claimed: among k that are
all alike, one is called better in at most ``k * 0.05 / k`` of the cases. The claim is about the
mixture of the others, of which one may be as good as the leader.

Which single strategies the leader is better than, if not all, is told where the test is below 5 %
after Holm's correction for all pairs. With five runs each and seven strategies there can be none:
21 times the smallest p there is, 2/252, is 0.17; with six runs it is 21 * 2/924 = 0.045.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ..statistics.inference import MIN_RUNS, SIGNIFICANCE

Over = Literal["each", "together"]
"""What a leader is shown to be better than: each other strategy, or all others together."""
MOST_SEEDS = 100
"""A number of seeds above this is not told."""
POWER_Z = 0.841621
"""So many standard deviations beyond the critical value, and 80 % of the cases are found."""
INTERVAL_Z = 2 * 1.959964
"""So many standard deviations wide is a 95 % interval."""


@dataclass(frozen=True)
class Pair:
    """Two strategies compared, the better one first, or one with all others; NaN is unknown.

    ``ratio`` is that of the expected joules of ``b`` over those of ``a``; all three of it are NaN
    for scores.
    """

    a: str
    b: str
    p: float  # corrected for the number of tests
    alone: float  # of the exact test of the two by themselves
    z: float  # what that is of, in standard deviations of chance: positive where a is better
    cliffs_delta: float
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan
    in_joules: bool = False

    @property
    def shown(self) -> bool:
        """Whether ``a`` is shown to be better than ``b``, as one of several that all must be."""
        return self.z > 0 and self.alone < SIGNIFICANCE and self.is_apart

    @property
    def shown_corrected(self) -> bool:
        """Whether that holds after the correction, too."""
        return self.shown and self.p < SIGNIFICANCE

    @property
    def is_apart(self) -> bool:
        """Whether the interval of the ratio, where there is to be one, excludes 1."""
        return not self.in_joules or self.low > 1

    def more_seeds(self, n: int, tests: float = 1.0) -> float:
        """About how many seeds beyond ``n`` would show it in 80 %, if it is as it seems.

        The standard deviations from chance grow with the square root of the number of seeds. Where
        the ratio has bounds, its distance from 1 counts if it is the shorter one. Infinite where
        ``a`` is not ahead.

        Args:
            n: Runs of each strategy.
            tests: What p is multiplied with.
        """
        from scipy.stats import norm

        needed = float(norm.isf(SIGNIFICANCE / 2 / tests)) + POWER_Z
        z = self.z
        if self.in_joules and self.low > 0 and 1 < self.high < math.inf and self.high > self.low:
            z = min(z, INTERVAL_Z * math.log(self.ratio) / math.log(self.high / self.low))
        return max(math.ceil(n * (needed / z) ** 2) - n, 1) if z > 0 else math.inf


@dataclass(frozen=True)
class Support:
    """What the runs say to the leader of a criterion."""

    over: Over | None  # what it is shown to be better than; None of nothing
    beaten: tuple[str, ...]  # single strategies: all others, or those left by the correction
    together: Pair | None  # the leader beside all others together; None of two strategies
    more_seeds: int | None  # about how many would support it; None where that cannot be said


def lacking(runs: int) -> int | None:
    """How many seeds are lacking for any finding; None if there are enough."""
    return MIN_RUNS - runs if runs < MIN_RUNS else None


def support(pairs: Sequence[Pair], together: Pair, runs: int) -> Support:
    """Judge a leader.

    Args:
        pairs: The leader beside each other strategy.
        together: The leader beside all others together, as yet uncorrected.
        runs: The fewest runs of a strategy whose joules are known.
    """
    tests = (len(pairs) + 1) / 2
    field = None
    if len(pairs) > 1:
        field = replace(together, p=min(tests * together.alone, 1.0))
    if runs < MIN_RUNS:
        return Support(None, (), field, lacking(runs))
    if all(pair.shown for pair in pairs):
        return Support("each", tuple(pair.b for pair in pairs), field, None)
    beaten = tuple(pair.b for pair in pairs if pair.shown_corrected)
    if field is not None and field.shown_corrected:
        return Support("together", beaten, field, None)
    needed = max(pair.more_seeds(runs) for pair in pairs if not pair.shown)
    if field is not None:
        needed = min(needed, field.more_seeds(runs, tests))
    told = int(needed) if runs + needed <= MOST_SEEDS else None
    return Support(None, beaten, field, told)
