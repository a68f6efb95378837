"""What the layers of a network cost and gain here, beside what the paper found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from ...statistics.inference import interval
from ..comparing import caveats, paired_ratio, quantity, repetitions, shown_below
from ..facts import Claim, Findings, Quantity
from ..tables import complete
from ..wording import in_words, write
from .exhibits import COLUMNS, CONV, FACTORS, LINEAR, RELU, Cells, exhibits, read_cells

if TYPE_CHECKING:
    import pandas as pd

    from ...tables.table import Table
    from .exhibits import Factor

CONV_LEAST = 1.5
"""Four convolutional layers must use so many times the energy of one for the finding to hold."""
OTHERS_MOST = 1.15
"""More linear layers, and ReLU, must use less than so many times the energy without."""
CONV_SHARE_LEAST = 0.8
"""Of the variance between cells, for convolutional layers to decide the energy."""
PAPER_LOSS = 0.1
"""Points of accuracy that half the energy costs in the paper."""
LOSS_MOST = 1.0
"""Points that it may cost at most, surely, for the finding to hold."""
STILL_LEARNING = 0.5
"""Points of accuracy gained in the last epoch above which trainings are called short."""

_PAPER = {
    LINEAR: (
        "Seven linear layers in place of three cost little: 5 to 7 % more energy.",
        Quantity(None, 1.05, 1.07),
    ),
    CONV: (
        "Four convolutional layers in place of one cost much: 95 % more energy on Fashion-MNIST, "
        "66 % more on CIFAR-10.",
        Quantity(None, 1.66, 1.95),
    ),
    RELU: ("ReLU costs little: 3 % more energy.", Quantity(1.03)),
}
_CONV_PAPER = {"fashion-mnist": Quantity(1.95), "cifar10": Quantity(1.66)}  # by data set
_UNPAIRED = "no repetition has finished trainings at both levels"
_NO_REPETITION = "no repetition has finished trainings of all eight networks"


def analyse(table: Table) -> Findings:
    """Set the costs and gains of layers beside the paper's.

    Args:
        table: With the factors ``p.linear`` (3, 7), ``p.conv`` (1, 4) and ``p.relu``.
    """
    trials = complete(table)
    missing = [column for column in COLUMNS if column not in trials]
    absent = f"the table has no {' and no '.join(missing)}" if missing else ""
    if not missing:
        trials = repetitions(trials, COLUMNS)
    cells = None if missing else read_cells(trials)
    unscored = absent or ("" if cells else _NO_REPETITION)
    if not unscored and table.metric.name != "accuracy":
        unscored = f"the score of the table is {table.metric.name}, not accuracy"
    claims = (
        *(_cost(trials, factor, absent) for factor in (CONV, LINEAR, RELU)),
        _share(cells, absent),
        _halving(None if unscored else cells, unscored, _after(trials)),
        _returns(None if unscored else cells, unscored, _after(trials)),
    )
    shown = () if missing else exhibits(trials, cells, table.metric)
    return Findings(claims, shown, tuple(_notes(table, trials)))


def _cost(trials: pd.DataFrame, factor: Factor, absent: str) -> Claim:
    """What more of one kind of layers uses, all else equal."""
    statement, paper = _PAPER[factor]
    if factor is CONV and "p.dataset" in trials and trials["p.dataset"].nunique() == 1:
        paper = _CONV_PAPER.get(trials["p.dataset"].iloc[0], paper)
    ours = None
    if not absent:
        others = [each.column for each in FACTORS if each is not factor]
        levels = ({factor.column: level} for level in (factor.high, factor.low))
        ours = paired_ratio(trials, *levels, within=others)
    if ours is None or ours.value is None:
        return Claim(statement, paper, None, None, absent or _UNPAIRED)
    if factor is CONV:
        holds, rule = ours.value >= CONV_LEAST, f"at least {CONV_LEAST:g}"
    else:
        holds, rule = ours.value < OTHERS_MOST, f"less than {OTHERS_MOST:g}"
    why = f"the ratio of energies is {write(ours.value, '')}, and {rule} is required"
    return Claim(statement, paper, ours, holds, why)


def _share(cells: Cells | None, absent: str) -> Claim:
    """Whether convolutional layers decide what a network uses."""
    statement = "Of the three kinds of layers, convolutional ones decide the energy."
    share = cells.shares()[(FACTORS.index(CONV),)] if cells else np.nan
    if not np.isfinite(share):
        equal = "the networks do not differ in energy" if cells else _NO_REPETITION
        return Claim(statement, None, None, None, absent or equal)
    ours = Quantity(share, unit="%", note="of the variance between networks")
    why = (
        f"their number accounts for {write(share, '%')} of the variance of energy between "
        f"networks, and more than {write(CONV_SHARE_LEAST, '%')} is required"
    )
    return Claim(statement, None, ours, share > CONV_SHARE_LEAST, why)


def _halving(cells: Cells | None, absent: str, after: str) -> Claim:
    """What half the energy costs in accuracy: the four cheapest networks beside the others."""
    statement = "Half the energy (2.09 times less) costs only 0.1 points of mean accuracy."
    paper = Quantity(PAPER_LOSS, unit="points")
    if cells is None:
        return Claim(statement, paper, None, None, absent)
    dear_j, cheap_j = cells.halves(cells.energy_j)
    dear, cheap = cells.halves(cells.score)
    ratio, lost = interval(dear_j / cheap_j), interval(100 * (dear - cheap))
    ours, times = quantity(lost, "points"), f"{write(ratio.median, '')} times less energy"
    if ratio.median < CONV_LEAST:
        why = f"the four cheapest networks use only {times} than the others, not half of it"
        return Claim(statement, paper, ours, False, why)
    why = (
        f"{after}the four cheapest networks have used {times} than the others, and are "
        f"{abs(lost.median):.1f} points {_more_or_less(-lost.median)} accurate"
    )
    if lost.n < 2:
        return Claim(statement, paper, ours, None, f"{why}, of one repetition alone")
    if lost.low > PAPER_LOSS:
        return Claim(statement, paper, ours, False, f"{why}: the interval is above 0.1 points")
    if lost.high > LOSS_MOST:
        wide = f"{why}, but the interval has losses above {LOSS_MOST:g} point too"
        return Claim(statement, paper, ours, None, wide)
    within = f"{why}, and the interval has no loss above {LOSS_MOST:g} point"
    return Claim(statement, paper, ours, True, within)


def _returns(cells: Cells | None, absent: str, after: str) -> Claim:
    """Whether accuracy rises by a smaller share than the energy it takes."""
    statement = "Returns diminish: accuracy rises by a smaller share than the energy it takes."
    if cells is None:
        return Claim(statement, None, None, None, absent)
    (dear, cheap), (dear_j, cheap_j) = cells.halves(cells.score), cells.halves(cells.energy_j)
    with np.errstate(divide="ignore", invalid="ignore"):  # an accuracy may be 0
        gained, more = dear / cheap - 1, dear_j / cheap_j - 1
    rise, gap = interval(gained), interval(gained - more)
    ours = quantity(rise, "%")
    why = (
        f"{after}the more expensive half of the networks has used "
        f"{write(float(np.median(more)), '%')} more energy and is "
        f"{write(abs(rise.median), '%')} {_more_or_less(rise.median)} accurate"
    )
    share = quantity(gap)
    if share is None:
        return Claim(statement, None, None, None, "the networks have no accuracy above zero")
    holds, doubt = shown_below(share, 0.0)
    if doubt and gap.n > 1:
        doubt = ", but the two shares are not told apart"
    return Claim(statement, None, ours, holds, why + doubt)


def _after(trials: pd.DataFrame) -> str:
    """How long the trainings were, as the beginning of a sentence; empty if they differ."""
    epochs = set(trials["epochs"].dropna())
    return f"after {epochs.pop()} epochs " if len(epochs) == 1 else ""


def _more_or_less(change: float) -> str:
    return "more" if change > 0 else "less"


def _notes(table: Table, trials: pd.DataFrame) -> Iterator[str]:
    """What is to be held against the numbers."""
    yield from caveats(table, trials)
    if CONV.column in trials:
        yield from _training_alone(trials)
        yield from _unfinished(table, trials)


def _training_alone(trials: pd.DataFrame) -> Iterator[str]:
    """What convolutional layers cost by the joules that the paper has, without validation."""
    levels = ({CONV.column: level} for level in (CONV.high, CONV.low))
    within = [column for column in COLUMNS if column in trials and column != CONV.column]
    ratio = paired_ratio(trials, *levels, within=within, value="energy_train_j")
    if ratio is not None:
        yield (
            "Without the joules of building and validating the networks, which the paper leaves "
            f"out, the ratio of four convolutional layers to one is {in_words(ratio)}."
        )


def _unfinished(table: Table, trials: pd.DataFrame) -> Iterator[str]:
    """How much accuracy the last epoch still gained, by the number of convolutional layers."""
    if table.curves is None or table.metric.name != "accuracy":
        return
    keys = ["run", "trial"]
    curves = table.curves.merge(trials[[*keys, CONV.column]], on=keys).sort_values("epoch")
    last = curves.groupby([CONV.column, *keys])["score"].agg(lambda each: each.diff().iloc[-1])
    points = 100 * last.dropna().groupby(CONV.column).median()
    if {CONV.low, CONV.high} <= set(points.index) and points.max() > STILL_LEARNING:
        yield (
            "The trainings are short: in the last epoch networks with four convolutional layers "
            f"still gained {points[CONV.high]:.1f} points of accuracy, and those with one "
            f"{points[CONV.low]:.1f}. What longer trainings end with may differ."
        )
