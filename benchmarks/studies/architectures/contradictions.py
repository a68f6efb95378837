"""Pairs of networks whose order by energy contradicts that by operations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING, Any

from ...statistics.inference import interval
from ..comparing import quantity
from ..facts import Quantity, Sheet
from ..wording import identifier
from .means import ratio_by_repetition, stated

if TYPE_CHECKING:
    import pandas as pd

_MOST_PAIRS = 8  # of a sheet


@dataclass(frozen=True, eq=False)
class Pair:
    """Two networks, of which one needs fewer operations than the other."""

    fewer: str
    more: str
    operations: float  # of the one over the other, below 1
    joules: pd.DataFrame  # columns of the one and the other, a row for each repetition of both

    def ratio(self, but: Any = None) -> float:
        """Mean energy of the one over the other, without a repetition; NaN if there is no other."""
        one, other = self.joules[self.joules.index != but].mean()
        return float(one / other)


@dataclass(frozen=True)
class Contradiction:
    """A network that takes more energy than another, though it needs fewer operations."""

    dearer: str
    cheaper: str
    energy: Quantity  # how many times more joules
    operations: float  # how many times the operations, below 1


def pairs_of(trials: pd.DataFrame) -> tuple[Pair, ...]:
    """All pairs of networks of different operations that were trained in one repetition.

    Args:
        trials: One data set's, with ``architecture``, ``flops``, ``energy_j`` and ``seed``. Where
            there is a ``g.place``, both must have been trained there.
    """
    return tuple(_pairs(trials[(trials["flops"] > 0).fillna(False).astype(bool)]))


def _pairs(known: pd.DataFrame) -> Iterator[Pair]:
    keys = [known["architecture"], known["seed"]]
    if "g.place" in known:
        keys.append(stated(known["g.place"], ""))
    joules = known["energy_j"].astype(float).groupby(keys).mean().unstack("architecture")
    flops = known["flops"].astype(float).groupby(known["architecture"]).median()
    for fewer, more in permutations(joules.columns, 2):
        operations = flops[fewer] / flops[more]
        if operations < 1:
            both = joules[[fewer, more]].dropna().groupby("seed").mean()
            if len(both):
                yield Pair(str(fewer), str(more), float(operations), both)


def contradictions(pairs: Sequence[Pair]) -> list[Contradiction]:
    """The pairs whose energy ratio has an interval above 1, the largest ratio first.

    One repetition finds none. Among many pairs some are found by chance: `crossfitted` is not.
    """
    found = []
    for pair in pairs:
        energy = ratio_by_repetition(pair.joules) if pair.ratio() > 1 else None
        if energy is not None and energy.low is not None and energy.low > 1:
            found.append(Contradiction(pair.fewer, pair.more, energy, pair.operations))
    return sorted(found, key=lambda each: -each.energy.known_value)


def crossfitted(pairs: Sequence[Pair]) -> tuple[Quantity | None, Counter[Pair]]:
    """The energy ratio of the pair that contradicts its operations the most.

    For each repetition the pair is picked on all others, so that chance does not widen its ratio.
    One repetition is all there is to pick on: then there is no interval.

    Returns:
        The median over repetitions with its bootstrap interval, None without a pair; and how often
        each pair was picked.
    """
    seeds = list(dict.fromkeys(seed for pair in pairs for seed in pair.joules.index))
    ratios, picked = [], Counter[Pair]()
    for seed in seeds:
        but = seed if len(seeds) > 1 else None
        of_others = [(pair.ratio(but), at) for at, pair in enumerate(pairs)]
        best = max((each for each in of_others if math.isfinite(each[0])), default=None)
        pair = None if best is None else pairs[best[1]]
        if pair is not None and seed in pair.joules.index:
            one, other = pair.joules.loc[seed]
            ratios.append(float(one / other))
            picked[pair] += 1
    return quantity(interval(ratios)), picked


def contradiction_sheet(found: Sequence[Contradiction], dataset: str) -> Sheet:
    """The clearest pairs of one data set."""
    rows = tuple(
        (each.dearer, each.cheaper, each.energy, Quantity(each.operations))
        for each in found[:_MOST_PAIRS]
    )
    more = f" The clearest {_MOST_PAIRS} of {len(found)} are shown." * (len(found) > _MOST_PAIRS)
    return Sheet(
        f"contradictions-{identifier(dataset)}",
        f"Pairs whose energy contradicts their operations on {dataset}",
        "The first network takes more energy with fewer operations. Each interval is of its own "
        f"pair: among many pairs, some lie above 1 by chance.{more}",
        ("Takes more energy", "than", "Energy ratio", "Operations ratio"),
        rows,
    )
