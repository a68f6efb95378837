"""How well the meters of the same windows agree, as Bland and Altman show it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....energy.reading import SHORT_WINDOW_PERIODS
from ...tables.contract import LOWER_BOUND
from ...tables.table import counted
from ..comparing import finite, shown_above
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
    """The paper's finding: a wattmeter of the node reads more than CodeCarbon.

    It holds if the interval of the ratio lies above 1. The paper's figure is a range over cells, of
    which each is a data set with an architecture: how ours lies to it is told, not judged.
    """
    low, high = NODE_OVER_SOFTWARE
    statement = "A wattmeter of the whole node reads more than CodeCarbon counts."
    paper = Quantity(None, low, high, note="six cells")
    for name in ("wattmeter", REFERENCE):
        if name not in joules:
            why = f"there are no joules of the {name}: {METERS[name].why_not}"
            return Claim(statement, paper, None, None, why)
    whole = agreement_of(joules, "wattmeter")
    if not whole.n:
        least_s = SHORT_WINDOW_PERIODS * METERS[REFERENCE].period_s
        why = f"no window of both is as long as {least_s:g} s"
        return Claim(statement, paper, None, None, why)
    many = counted(whole.n, "window")
    ours = Quantity(whole.ratio, finite(whole.low), finite(whole.high), note=many)
    holds, doubt = shown_above(ours)
    if whole.n > 1:
        limits = f"from {whole.limit_low:.2f} to {whole.limit_high:.2f}"
        doubt = f", with limits of agreement {limits}{doubt}"
    else:
        doubt = ", which has no limits of agreement, and nothing is concluded from it"
    side = "below" if whole.ratio < low else "above" if whole.ratio > high else "within"
    why = (
        f"over {many} the wattmeter reads {whole.ratio:.2f} times as much{doubt}; that is {side} "
        f"the paper's range{_of_cells(joules, trials)}"
    )
    faulty = trials["energy_kind"].eq(LOWER_BOUND).fillna(False).to_numpy(dtype=bool)
    sound = agreement_of(joules[~faulty], "wattmeter")
    if faulty.any() and sound.n:
        why += (
            f"; without the {counted(int(faulty.sum()), 'window')} in which CodeCarbon lost a part "
            f"it reads {sound.ratio:.2f} times as much"
        )
    return Claim(statement, paper, ours, holds, why)


def _of_cells(joules: pd.DataFrame, trials: pd.DataFrame) -> str:
    """The range of the ratios of cells in words, where there are several."""
    cells = [trials[key] for key in ("g.dataset", "architecture") if key in trials]
    ratios = [
        agreement_of(part, "wattmeter").ratio
        for _, part in joules.groupby(cells, dropna=False, sort=False)
    ]
    ratios = [ratio for ratio in ratios if math.isfinite(ratio)]
    if len(ratios) < 2:
        return ""
    return f", and {len(ratios)} cells range from {min(ratios):.2f} to {max(ratios):.2f}"


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
    ratio = Quantity(found.ratio, finite(found.low), finite(found.high))
    limits = Quantity(None, finite(found.limit_low), finite(found.limit_high))
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
