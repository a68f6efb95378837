"""Which share of a time's joules is whose, of calls that were open in it, and parts of calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

C = TypeVar("C")  # a call

Shares = Mapping[C, float | None]
"""The share of each call, its parts' in it; None where it cannot be told."""


class Tree(Generic[C]):
    """Open calls, in the order in which they began, each maybe part of an earlier one."""

    def __init__(self, calls: Sequence[C], parent_of: Callable[[C], C | None]) -> None:
        self.calls = tuple(calls)
        self.parents = {call: parent_of(call) for call in self.calls}
        self.beside: dict[C | None, list[C]] = {}  # what is part of the same call, or of none
        for call in self.calls:
            self.beside.setdefault(self.parents[call], []).append(call)

    @property
    def overlaps(self) -> bool:
        """Whether any call has another beside it."""
        return any(len(calls) > 1 for calls in self.beside.values())

    def added_up(self, own: Mapping[C, float]) -> dict[C, float]:
        """What each call did with its parts, by what each did without them."""
        did = {call: own.get(call, 0.0) for call in self.calls}
        for call in reversed(self.calls):
            if (parent := self.parents[call]) is not None:
                did[parent] += did[call]
        return did

    def shares(self, own: Mapping[C, float], least: float = 0.0) -> Shares[C]:
        """Shares by what each did; equal ones where all together did no more than the least."""
        did = self.added_up(own)
        shares: dict[C, float] = {}
        for call in self.calls:
            parent = self.parents[call]
            beside = self.beside[parent]
            whole = sum(did[each] for each in beside) if parent is None else did[parent]
            share = did[call] / whole if whole > least and len(beside) > 1 else 1 / len(beside)
            shares[call] = share * (1.0 if parent is None else shares[parent])
        return dict(shares)

    def sole_shares(self) -> Shares[C]:
        """All for a call that nothing is beside; of what cannot be split, nothing else is known."""
        shares: dict[C, float | None] = {}
        for call in self.calls:
            parent = self.parents[call]
            is_sole = len(self.beside[parent]) == 1 and (parent is None or shares[parent] == 1.0)
            shares[call] = 1.0 if is_sole else None
        return shares

    def together(
        self, chosen: Callable[[C], bool], shares: Shares[C], parent: C | None = None
    ) -> float | None:
        """The share of all chosen calls; those that are part of another chosen one are in it."""
        beside = self.beside.get(parent, [])
        if beside and all(map(chosen, beside)):
            return 1.0 if parent is None else shares[parent]
        parts = [
            shares[call] if chosen(call) else self.together(chosen, shares, call) for call in beside
        ]
        known = [share for share in parts if share is not None]
        return sum(known) if len(known) == len(parts) else None
