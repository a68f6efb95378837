"""What the runs say to a lead, in a sentence: it is shown, or what is lacking for that."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from ...energy.quantities import format_percent
from .naming import some_of

if TYPE_CHECKING:
    from ..statistics.inference import KruskalWallis
    from .support import Pair, Support


class Words(NamedTuple):
    """How a lead is told."""

    lead: str
    test: str  # the exact test of two strategies
    shared: str  # what those that are as good have in common
    missing: str  # where there is no result


SCORE = Words(
    "by its median run",
    "exact rank-sum test",
    "have the same median, and none is known to need fewer joules for it than",
    "No strategy's median run has a result{above} within the energy that all runs had.",
)
JOULES = Words(
    "by its expected energy to the target",
    "exact log-rank test in joules",
    "have the same expected energy to the target, and none is known to spend fewer joules than",
    "No run of known joules reached the target.",
)


def reason(
    words: Words, best: Sequence[str], pairs: Sequence[Pair], found: Support, test: KruskalWallis
) -> str:
    """What the runs say to the lead of the best strategy, or of several that are as good.

    Args:
        words: How the lead is told.
        best: The winner, and those as good as it.
        pairs: The winner beside each other strategy.
        found: Whether the runs support the lead.
        test: Whether the strategies differ at all, and whether there are runs enough.
    """
    lead = f"{best[0]} leads {words.lead}"
    if len(best) > 1:
        lead = f"{some_of(best)} {words.shared} {best[0]}"
    if not test.conclusive:
        return f"{lead}. {test.reason}"
    if len(best) > 1:
        return f"{lead}; otherwise none of them is ahead."
    if found.over == "each":
        hardest = max(pairs, key=lambda pair: pair.alone)
        tested = f"p = {hardest.alone:.2g} by the {words.test}"
        if len(pairs) == 1:
            ahead = -hardest.cliffs_delta if hardest.in_joules else hardest.cliffs_delta
            won = format_percent((1 + ahead) / 2, 0)
            return (
                f"{best[0]} is better {words.lead} than {hardest.b}, and wins {won} of the "
                f"pairings of their runs ({tested})."
            )
        return (
            f"{best[0]} is better {words.lead} than each of the other {len(pairs)}; the hardest to "
            f"tell from it is {hardest.b} ({tested})."
        )
    worst = max((pair for pair in pairs if not pair.shown), key=lambda pair: pair.alone)
    chance = f"lead over {worst.b} may be chance ({_doubt(words, worst)})."
    told = f"{lead}, but its {chance}"
    if found.over == "together" and found.together is not None:
        told = (
            f"{best[0]} is better {words.lead} than the other {len(pairs)} together "
            f"(p = {found.together.p:.2g} by the {words.test}, corrected for the choice among "
            f"{len(pairs) + 1}); its {chance}"
        )
    if found.beaten:
        told += f" Corrected for all pairs (Holm), it is better than {some_of(found.beaten)}."
    return told


def _doubt(words: Words, pair: Pair) -> str:
    """What is lacking for a lead: the test, the interval of the ratio, or both."""
    tested = f"p = {pair.alone:.2g} by the {words.test}"
    if pair.is_apart:
        return tested
    if math.isnan(pair.low):
        return f"{tested}; the ratio of their expected joules is not known"
    return f"{tested}; the 95 % interval of their ratio begins at {pair.low:.2g}, not above 1"
