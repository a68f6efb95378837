"""Accuracy per kilowatt-hour of architectures, and their energy over their operations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ....energy.quantities import JOULES_PER_UNIT
from ..comparing import finite
from ..facts import Axis, Cell, Plot, Quantity, Series, Sheet
from ..wording import identifier

if TYPE_CHECKING:
    import pandas as pd


def accuracy_per_kwh(energy_j: pd.Series, score: pd.Series) -> pd.Series:
    """The paper's score: accuracy, as a share of 1, over kilowatt-hours."""
    return score.astype(float) / (energy_j.astype(float) / JOULES_PER_UNIT["kWh"])


def efficiency_sheet(trials: pd.DataFrame, dataset: str) -> Sheet:
    """The architectures of one data set, the best accuracy per kilowatt-hour first."""
    rows = []
    cheapest = min(part["energy_j"].mean() for _, part in trials.groupby("architecture"))
    for name, part in trials.groupby("architecture", sort=False):
        energy_j, accuracy = part["energy_j"].mean(), part["score"].astype(float).mean()
        per_kwh = float(accuracy / (energy_j / JOULES_PER_UNIT["kWh"]))
        flops = part["flops"].astype(float).median()
        parameters = part["n_parameters"].astype(float).median()
        row: tuple[Cell, ...] = (
            str(name),
            _known(flops / 1e6, "M"),
            _known(parameters / 1e6, "M"),
            _known(energy_j / cheapest),
            _known(accuracy, "%"),
            _known(per_kwh),
            str(len(part)),
        )
        rows.append((-1.0 if math.isnan(per_kwh) else per_kwh, row))
    rows.sort(key=lambda each: -each[0])
    return Sheet(
        f"efficiency-{identifier(dataset)}",
        f"Accuracy per kilowatt-hour on {dataset}",
        "The paper's score. It rewards a cheap network more than an accurate one, so read it beside"
        " the accuracy. Joules are told as ratios to the cheapest network.",
        (
            "Architecture",
            "Operations per image",
            "Trained parameters",
            "Energy",
            "Accuracy",
            "Accuracy per kWh",
            "Trainings",
        ),
        tuple(row for _, row in rows),
    )


def operations_plot(trials: pd.DataFrame, dataset: str) -> Plot:
    """Joules over operations: what lies above left of another contradicts the order."""
    series = []
    for name, part in trials.groupby("architecture", sort=False):
        flops = part["flops"].astype(float)
        series.append(
            Series(
                str(name),
                tuple(map(finite, flops)),
                tuple(part["energy_j"].astype(float)),
                texts=tuple(f"{name}, repetition {seed}" for seed in part["seed"]),
                style="dots",
            )
        )
    return Plot(
        f"operations-{identifier(dataset)}",
        f"Energy against operations on {dataset}",
        "If energy followed operations, the networks would lie on a rising line.",
        Axis("operations of a forward pass of one image", log=True),
        Axis("energy of a training", "J", log=True),
        tuple(series),
    )


def _known(value: float, unit: str = "") -> Quantity | None:
    known = finite(value)
    return None if known is None else Quantity(known, unit=unit)
