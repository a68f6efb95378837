"""The cells of the factorial of layers as arrays, and the tables and figures that show them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...statistics.factorial import variance_shares
from ...statistics.inference import interval, kruskal_wallis
from ...tables.table import counted
from ..cells import label_of
from ..comparing import quantity
from ..facts import Axis, Cell, Exhibit, Plot, Quantity, Series, Sheet

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ....models.metric import Metric

Groups = dict[str, "pd.DataFrame"]  # the trials of each cell that has any, the cheapest cell first


class Factor(NamedTuple):
    """What a network has less or more of."""

    name: str
    words: str
    low: Any
    high: Any

    @property
    def column(self) -> str:
        """Its column of the trial table."""
        return f"p.{self.name}"


LINEAR = Factor("linear", "linear layers", 3, 7)
CONV = Factor("conv", "convolutional layers", 1, 4)
RELU = Factor("relu", "ReLU", False, True)
FACTORS = (LINEAR, CONV, RELU)  # the axes of the design
COLUMNS = [each.column for each in FACTORS]
CELLS = tuple(product(*((each.low, each.high) for each in FACTORS)))
LABELS = {
    cell: label_of({each.name: level for each, level in zip(FACTORS, cell, strict=True)})
    for cell in CELLS
}


@dataclass(frozen=True)
class Cells:
    """The repetitions that have all eight cells."""

    energy_j: NDArray[np.float64]  # (repetitions, 8), in the order of `CELLS`
    score: NDArray[np.float64]  # the same

    def halves(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """The means by repetition of some values of the four cells with most joules, and least."""
        order = np.argsort(self.energy_j.mean(axis=0))
        return values[:, order[4:]].mean(axis=1), values[:, order[:4]].mean(axis=1)

    def shares(self) -> dict[tuple[int, ...], float]:
        """Of the variance between the mean joules of the cells, by the axes of the factors."""
        return variance_shares(self.energy_j.mean(axis=0).reshape(2, 2, 2))


def read_cells(trials: pd.DataFrame) -> Cells | None:
    """The whole repetitions of trials that have all factors; None if there is none."""
    values = ["energy_j", "score"]
    means = trials.pivot_table(values, "seed", COLUMNS, aggfunc="mean")
    wanted = [(value, *cell) for value in values for cell in CELLS]
    whole = means.reindex(columns=wanted).astype(float).dropna()
    if whole.empty:
        return None
    energy_j, score = whole.to_numpy().reshape(len(whole), 2, len(CELLS)).swapaxes(0, 1)
    return Cells(energy_j, score)


def exhibits(trials: pd.DataFrame, cells: Cells | None, metric: Metric) -> tuple[Exhibit, ...]:
    """The tables and figures of trials that have all factors."""
    found = {LABELS[key]: each for key, each in trials.groupby(COLUMNS) if key in LABELS}
    groups = dict(sorted(found.items(), key=lambda each: each[1]["energy_j"].median()))
    if not groups:
        return ()
    return (
        _cells_sheet(groups, metric),
        _tests_sheet(trials, groups),
        *(() if cells is None else (_shares_sheet(cells),)),
        _joules_plot(groups),
        _returns_plot(groups, metric),
    )


def _cells_sheet(groups: Groups, metric: Metric) -> Sheet:
    cheapest = next(iter(groups.values())).groupby("seed")["energy_j"].mean()
    rows: list[tuple[Cell, ...]] = []
    for number, (label, trials) in enumerate(groups.items()):
        more = trials.groupby("seed")["energy_j"].mean() / cheapest - 1
        rows.append(
            (
                label,
                quantity(interval(trials["energy_j"]), "J"),
                quantity(interval(more), "%") if number else "the cheapest",
                quantity(interval(trials["score"]), _unit(metric)),
                Quantity(float(len(trials))),
            )
        )
    return Sheet(
        "cells",
        "The eight networks",
        "Joules of a training and the validation score that it ends with, the cheapest network "
        "first: medians with 95 % intervals. How much more than the cheapest a network uses is "
        "taken within repetitions.",
        ("network", "energy", "above the cheapest", metric.name, "trainings"),
        tuple(rows),
    )


def _tests_sheet(trials: pd.DataFrame, groups: Groups) -> Sheet:
    """Rank tests of the joules: between the levels of each factor, and between all cells."""
    compared = {
        f"{each.words}: {_word(each.low)}, {_word(each.high)}": {
            str(level): group["energy_j"] for level, group in trials.groupby(each.column)
        }
        for each in FACTORS
    }
    compared["all networks"] = {label: each["energy_j"] for label, each in groups.items()}
    tests = {name: kruskal_wallis(values, of="group") for name, values in compared.items()}
    doubts = [each.reason for each in tests.values() if not each.conclusive]
    return Sheet(
        "tests",
        "Rank tests of the energy",
        "Kruskal-Wallis over all trainings, with k groups and n trainings; eta squared is "
        "(H - k + 1) / (n - k), about 0 for no effect. The levels of a factor are compared "
        f"across those of the others, whose spread hides small effects. {' '.join(doubts[-1:])}",
        ("compared", "H", "p", "eta squared", "k", "n"),
        tuple(
            (
                name,
                *(
                    Quantity(float(value)) if np.isfinite(value) else None
                    for value in (each.h, each.p, each.eta_squared, each.k, each.n)
                ),
            )
            for name, each in tests.items()
        ),
    )


def _shares_sheet(cells: Cells) -> Sheet:
    of_means = cells.shares()
    single = [variance_shares(each.reshape(2, 2, 2)) for each in cells.energy_j]
    rows: list[tuple[Cell, ...]] = []
    for axes, share in sorted(of_means.items(), key=lambda each: -each[1]):
        rows.append(
            (
                " x ".join(FACTORS[axis].words for axis in axes),
                Quantity(share, unit="%") if np.isfinite(share) else None,
                quantity(interval([each[axes] for each in single]), "%"),
            )
        )
    return Sheet(
        "shares",
        "What the energy of a network depends on",
        "Shares of the variance between the eight networks, by factor and by interaction: sums of "
        "squares of the mean joules of each network over repetitions, and the median of the "
        "shares within single repetitions, where chance adds to the interactions.",
        ("factor or interaction", "of the means", "within a repetition"),
        tuple(rows),
    )


def _joules_plot(groups: Groups) -> Plot:
    found = [quantity(interval(each["energy_j"])) for each in groups.values()]
    each_j = [
        (float(place), float(joules))
        for place, trials in enumerate(groups.values())
        for joules in trials["energy_j"]
    ]
    places, joules = zip(*each_j, strict=True)
    return Plot(
        "joules",
        "Energy of each network",
        "Joules of a training: medians with 95 % intervals over repetitions, and each training.",
        Axis("network", labels=tuple(groups)),
        Axis("energy of a training", "J"),
        (
            Series("a training", places, joules, style="dots"),
            Series.of("median", map(float, range(len(groups))), found, style="dots"),
        ),
    )


def _returns_plot(groups: Groups, metric: Metric) -> Plot:
    """One point a network: what it reaches over what it uses."""
    series = []
    for level in (CONV.low, CONV.high):
        own = {
            label: trials
            for label, trials in groups.items()
            if (trials[CONV.column] == level).all() and trials["score"].notna().any()
        }
        series.append(
            Series.of(
                counted(level, "convolutional layer"),
                (float(trials["energy_j"].median()) for trials in own.values()),
                [quantity(interval(trials["score"])) for trials in own.values()],
                texts=own,
                style="dots",
            )
        )
    return Plot(
        "returns",
        f"What more energy gains in {metric.name}",
        f"Returns diminish where points further to the right lie hardly higher: {metric.name} on "
        "validation data over joules, medians of each network with 95 % intervals.",
        Axis("energy of a training", "J"),
        Axis(metric.name, _unit(metric)),
        tuple(series),
    )


def _unit(metric: Metric) -> str:
    return "%" if metric.name == "accuracy" else ""


def _word(level: Any) -> str:
    return str(level) if not isinstance(level, bool) else "on" if level else "off"
