"""Whether the runs of a group support that its leader is better than the other strategies.

**The rule.** Each strategy has at least five runs, and the leader is better than every other one,
each by the exact test of the two (`statistics.permutation`) at 5 %, and in joules also by the ratio
of their expected joules, whose 95 % interval lies above 1. The tests need no correction for their
number, since all of them must hold: the claim is false only if some other strategy is as good, and
then that one test errs in 5 % (an intersection-union test: Berger, 1982). Nor does it matter that
the data say who leads (Gutmann and Maymin, 1987, "Is the selected population the best?"): the worst
case is two that are equally good and far ahead of the rest, where either is wrongly called the best
in 5 % of the cases, both together.

Where the leader is not shown to be better than all, it may be than some: those are told for which
the test is below 5 % after Holm's correction for all pairs. With five runs each and seven
strategies there can be none, since 21 times the smallest p there is, 2/252, is 0.17; with six runs
it is 21 * 2/924 = 0.045.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..statistics.inference import MIN_RUNS, SIGNIFICANCE

MOST_SEEDS = 100
"""A number of seeds above this is not told."""
_POWER_Z = 1.959964 + 0.841621
"""So many standard deviations from chance are found at 5 % in 80 % of the cases."""
_INTERVAL_Z = 2 * 1.959964
"""So many standard deviations wide is a 95 % interval."""


@dataclass(frozen=True)
class Pair:
    """Two strategies compared, the better one first; NaN is unknown.

    ``ratio`` is that of the expected joules of ``b`` over those of ``a``; all three of it are NaN
    for scores.
    """

    a: str
    b: str
    p: float  # over all pairs, corrected for their number
    alone: float  # of the exact test of the two
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
    def shown_among_all(self) -> bool:
        """Whether that holds after the correction for all pairs."""
        return self.shown and self.p < SIGNIFICANCE

    @property
    def is_apart(self) -> bool:
        """Whether the interval of the ratio, where there is to be one, excludes 1."""
        return not self.in_joules or self.low > 1

    def more_seeds(self, n: int) -> float:
        """About how many seeds beyond ``n`` would show it in 80 %, if it is as it seems.

        The standard deviations from chance grow with the square root of the number of seeds. Where
        the ratio has bounds, the shorter way from 1 counts. Infinite where ``a`` is not ahead.
        """
        z = self.z
        if self.in_joules and self.low > 0 and 1 < self.high < math.inf and self.high > self.low:
            z = min(z, _INTERVAL_Z * math.log(self.ratio) / math.log(self.high / self.low))
        if not z > 0:
            return math.inf
        return max(math.ceil(n * (_POWER_Z / z) ** 2) - n, 1)


@dataclass(frozen=True)
class Support:
    """What the runs say to the leader of a criterion."""

    supported: bool
    beaten: tuple[str, ...]  # all others if supported, else those left by the correction
    more_seeds: int | None  # about how many would support it; None where that cannot be said


def support(pairs: Sequence[Pair], runs: int) -> Support:
    """Judge a leader by its pairs with all other strategies.

    Args:
        pairs: The leader first in each.
        runs: The fewest runs of a strategy.
    """
    if runs < MIN_RUNS:
        return Support(False, (), MIN_RUNS - runs)
    if all(pair.shown for pair in pairs):
        return Support(True, tuple(pair.b for pair in pairs), None)
    needed = max(pair.more_seeds(runs) for pair in pairs if not pair.shown)
    return Support(
        False,
        tuple(pair.b for pair in pairs if pair.shown_among_all),
        int(needed) if runs + needed <= MOST_SEEDS else None,
    )
