"""How long a study still takes: what was foreseen of its parts, corrected by how it goes."""

from __future__ import annotations

from collections.abc import Sequence

from ..comparison.pace import LEAST_S, Pace
from .estimating import Estimate


class Outlook:
    """The time left of a study.

    The part at hand is judged by its own pace; those to come by what was foreseen of them, times
    the ratio of the seconds that were taken to those that were foreseen for the same work.

    Args:
        parts: What each part should take, in their order; None where that is unknown.
    """

    def __init__(self, parts: Sequence[Estimate | None]) -> None:
        self._foreseen_s = [None if part is None else part.duration_s for part in parts]
        self._number, self._share = 0, 0.0
        self._pace = Pace()
        self._began: tuple[float, float] | None = None  # when the part was first seen, and how far
        self._now_s = 0.0
        self._took_s = self._of_s = 0.0  # seconds of earlier parts, and those foreseen for them

    def begin(self, number: int) -> None:
        """A part begins; all before it are done."""
        took_s, of_s = self._of_this_part()
        self._took_s, self._of_s = self._took_s + took_s, self._of_s + of_s
        self._number, self._share, self._pace, self._began = number, 0.0, Pace(), None

    def take(self, now_s: float, share: float) -> None:
        """Take how much of the part at hand is done."""
        self._began = self._began or (now_s, share)
        self._now_s, self._share = now_s, share
        self._pace.take(now_s, share)

    @property
    def done(self) -> float | None:
        """The share of the whole that is done, by foreseen seconds; None if one is unknown."""
        known = [each for each in self._foreseen_s if each is not None]
        if len(known) < len(self._foreseen_s) or not sum(known):
            return self._share if len(self._foreseen_s) == 1 else None
        return (sum(known[: self._number]) + self._share * known[self._number]) / sum(known)

    @property
    def left_s(self) -> float | None:
        """Seconds to the end of the study; None before that is known."""
        this_s = self._pace.left_s(1.0 - self._share)
        later = self._foreseen_s[self._number + 1 :]
        took_s, of_s = self._of_this_part()
        took_s, of_s = took_s + self._took_s, of_s + self._of_s
        if this_s is None or None in later:
            return None
        ratio = took_s / of_s if took_s >= LEAST_S and of_s > 0 else 1.0
        return this_s + ratio * sum(each or 0.0 for each in later)

    def _of_this_part(self) -> tuple[float, float]:
        """Seconds that were seen of the part at hand, and those foreseen for that work."""
        if self._began is None:
            return 0.0, 0.0
        began_s, share = self._began
        foreseen_s = self._foreseen_s[self._number] or 0.0
        return self._now_s - began_s, foreseen_s * (self._share - share)
