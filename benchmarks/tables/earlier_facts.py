"""What is to be known of earlier searches that strategies learn from, and all words about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...energy.quantities import format_energy
from .facts import Fact
from .refusals import listed
from .table import counted


@dataclass(frozen=True)
class EarlierFacts(Fact):
    """What is to be known of earlier searches that are learnt from.

    Attributes:
        tables: Names of the tables.
        trials: Trials that are learnt from.
        energy_j: Joules that all trials of the tables took; None if those of any are unknown.
        left_out: Trials that are not learnt from, by the reason.
        others: What the tables varied besides, by table, in words.
        learners: Names of the strategies that learn from them.
        fingerprint: SHA-256 of what is learnt; empty where it is not kept.
    """

    tables: tuple[str, ...]
    trials: int
    energy_j: float | None
    left_out: Mapping[str, int]
    others: tuple[str, ...] = ()
    learners: tuple[str, ...] = ()
    fingerprint: str = ""

    def describe(self, strategies: Sequence[str]) -> Iterator[str]:
        """Say who learns from what, what that took before, and what was left out."""
        learn = f"{listed(self.learners)} learn{'s' * (len(self.learners) == 1)} from"
        took = "whose joules are not wholly known"
        if self.energy_j is not None:
            took = f"which took {format_energy(self.energy_j)} before, charged to no run here"
        deaf = [name for name in strategies if name not in self.learners]
        told = f"; {listed(deaf)} {'is' if len(deaf) == 1 else 'are'} told nothing of them"
        tables = f"{counted(len(self.tables), 'table')} ({listed(self.tables)})"
        yield f"{learn} {counted(self.trials, 'trial')} of {tables}, {took}{told * bool(deaf)}."
        n_out = sum(self.left_out.values())
        if n_out:
            reasons = ", ".join(f"{count} {words}" for words, count in self.left_out.items())
            yield f"{n_out} of {n_out + self.trials} earlier trials are not learnt from: {reasons}."
        for words in self.others:
            yield f"Earlier searches varied more than is searched here: {words}."
