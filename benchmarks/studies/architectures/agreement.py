"""How well the meters of the same windows agree, as Bland and Altman show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....energy.reading import SHORT_WINDOW_PERIODS
from ...tables.contract import LOWER_BOUND
from ..facts import Axis, Cell, Claim, Mark, Plot, Quantity, Series, Sheet
from .meters import METERS, REFERENCE, WINDOW

if TYPE_CHECKING:
    import pandas as pd

    from ...statistics.agreement import Agreement

NODE_OVER_SOFTWARE = (1.71, 1.87)
"""Wattmeter over CodeCarbon: the least and the largest ratio of the paper's six cells."""


def long_enough(joules: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The windows of at least five update periods of the slowest of some meters."""
    period_s = max(METERS[name].period_s for name in names)
    return joules[joules[WINDOW] >= SHORT_WINDOW_PERIODS * period_s]


def agreement_of(joules: pd.DataFrame, name: str) -> Agreement:
    """A meter beside the reference, over the windows that are long enough for both."""
    from ...statistics.agreement import bland_altman

    used = long_enough(joules, [name, REFERENCE])
    return bland_altman(used[name], used[REFERENCE])


def node_claim(joules: pd.DataFrame, trials: pd.DataFrame) -> Claim:
    """The paper's finding: a wattmeter of the node reads far more than CodeCarbon.

    Its figure is a range over cells, of which each is a data set with an architecture.
    """
    low, high = NODE_OVER_SOFTWARE
    statement = "A wattmeter of the whole node reads far more than CodeCarbon counts."
    paper = Quantity(None, low, high)
    for name in ("wattmeter", REFERENCE):
        if name not in joules:
            why = f"there are no joules of the {name}: {METERS[name].why_not}"
            return Claim(statement, paper, None, None, why)
    cells = [trials[key] for key in ("g.dataset", "architecture") if key in trials]
    ratios = [
        agreement_of(part, "wattmeter").ratio
        for _, part in joules.groupby(cells, dropna=False, sort=False)
    ]
    ratios = [ratio for ratio in ratios if math.isfinite(ratio)]
    if not ratios:
        least_s = SHORT_WINDOW_PERIODS * METERS[REFERENCE].period_s
        return Claim(statement, paper, None, None, f"no window is as long as {least_s:g} s")
    ours = Quantity(None, min(ratios), max(ratios), note=f"{len(ratios)} cells")
    overlaps = min(ratios) <= high and low <= max(ratios)
    whole = agreement_of(joules, "wattmeter")
    why = (
        f"over {whole.n} windows the wattmeter reads {whole.ratio:.2f} times as much, with limits "
        f"of agreement from {whole.limit_low:.2f} to {whole.limit_high:.2f}"
    )
    faulty = trials["energy_kind"].eq(LOWER_BOUND).fillna(False)
    if faulty.any():
        sound = agreement_of(joules[~faulty.to_numpy(dtype=bool)], "wattmeter")
        why += (
            f"; without the {int(faulty.sum())} windows in which CodeCarbon lost a part, "
            f"{sound.ratio:.2f} times"
        )
    return Claim(statement, paper, ours, overlaps, why)


def agreement_sheet(joules: pd.DataFrame) -> Sheet:
    """All meters: how their joules become known, whose they are, and how they compare."""
    rows = [_row(joules, name) for name in METERS]
    return Sheet(
        "meters",
        "Every meter on the same windows",
        "Meters of different scopes count different things, so their ratio is no error of either: "
        "it says what a number of one means in those of the other.",
        ("Meter", "Counts", "Kind", "Scope", "Windows", "Over CodeCarbon", "Limits of agreement"),
        tuple(rows),
    )


def agreement_plots(joules: pd.DataFrame, trials: pd.DataFrame) -> list[Plot]:
    """A Bland-Altman plot of each meter beside the reference."""
    if REFERENCE not in joules:
        return []
    others = [name for name in METERS if name in joules and name != REFERENCE]
    return [plot for name in others if (plot := _plot(joules, trials, name)) is not None]


def _row(joules: pd.DataFrame, name: str) -> tuple[Cell, ...]:
    meter = METERS[name]
    told = (name, meter.what, meter.kind, meter.scope)
    if name not in joules:
        return (*told, f"unavailable: {meter.why_not}", None, None)
    windows = str(int(joules[name].notna().sum()))
    if name == REFERENCE or REFERENCE not in joules:
        return (*told, windows, "the reference" if name == REFERENCE else None, None)
    found = agreement_of(joules, name)
    if not found.n:
        return (*told, f"{windows}, all too short", None, None)
    ratio = Quantity(found.ratio, _end(found.low), _end(found.high))
    limits = Quantity(None, _end(found.limit_low), _end(found.limit_high))
    return (*told, f"{found.n} of {windows}", ratio, limits if found.n > 1 else None)


def _plot(joules: pd.DataFrame, trials: pd.DataFrame, name: str) -> Plot | None:
    from ...statistics.agreement import bland_altman

    used = long_enough(joules, [name, REFERENCE])
    whole = bland_altman(used[name], used[REFERENCE])
    if not whole.n:
        return None
    series = []
    for architecture, part in used.groupby(trials["architecture"], sort=False):
        own = bland_altman(part[name], part[REFERENCE])
        texts = tuple(f"{architecture}: {ratio:.2f}" for ratio in own.ratios)
        series.append(Series(str(architecture), own.means, own.ratios, texts=texts, style="dots"))
    marks = [Mark(f"mean {whole.ratio:.2f}", whole.ratio, "y")]
    if whole.n > 1:
        marks += [
            Mark(f"95 % limit {limit:.2f}", limit, "y")
            for limit in (whole.limit_low, whole.limit_high)
        ]
    if name == "wattmeter":
        marks += [Mark(f"paper {each:.2f}", each, "y") for each in NODE_OVER_SOFTWARE]
    left_out = len(joules) - whole.n
    notes = (
        [
            f"{left_out} windows are left out: they are below {SHORT_WINDOW_PERIODS} update periods"
            " of a meter, or lack one."
        ]
        if left_out
        else []
    )
    return Plot(
        f"agreement-{name}",
        f"Agreement of {name} with {REFERENCE}",
        "A Bland-Altman plot: each point is a window. If meters differed by a steady factor, all "
        "would lie on the mean line; 95 % of windows lie between the limits.",
        Axis("geometric mean of both meters", "J", log=True),
        Axis(f"{name} over {REFERENCE}", log=True),
        tuple(series),
        tuple(marks),
        tuple(notes),
    )


def _end(value: float) -> float | None:
    return value if math.isfinite(value) else None
