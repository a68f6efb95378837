"""Accuracy per kilowatt-hour of architectures, and where energy goes against operations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

from ....energy.quantities import JOULES_PER_UNIT
from ..facts import Axis, Cell, Plot, Quantity, Series, Sheet
from .means import mean_ratio

if TYPE_CHECKING:
    import pandas as pd

_MOST_PAIRS = 8  # of a sheet


@dataclass(frozen=True)
class Contradiction:
    """A network that takes more energy than another, though it needs fewer operations."""

    dearer: str
    cheaper: str
    energy: Quantity  # how many times more joules
    operations: float  # how many times the operations, below 1


def contradictions(trials: pd.DataFrame) -> list[Contradiction]:
    """All pairs whose order by energy contradicts that by operations, the clearest first.

    A pair counts if the interval of its energy ratio lies above 1, so one repetition finds none.
    The clearest has the largest ratio of joules per operation.

    Args:
        trials: One data set's, with ``architecture``, ``flops``, ``energy_j`` and ``seed``.
    """
    known = trials[trials["flops"].notna() & (trials["flops"] > 0)]
    parts = {str(name): part for name, part in known.groupby("architecture", sort=False)}
    flops = {name: float(part["flops"].astype(float).median()) for name, part in parts.items()}
    found = []
    for dearer, cheaper in permutations(parts, 2):
        share = flops[dearer] / flops[cheaper]
        if share >= 1:
            continue
        energy = mean_ratio(parts[dearer], parts[cheaper], within=("g.place",))
        if energy is not None and energy.low is not None and energy.low > 1:
            found.append(Contradiction(dearer, cheaper, energy, share))
    return sorted(found, key=lambda each: each.operations / (each.energy.value or 1.0))


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
                tuple(None if math.isnan(each) else each for each in flops),
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


def contradiction_sheet(found: list[Contradiction], dataset: str) -> Sheet:
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


def identifier(name: str) -> str:
    """A name that a folder or a part of a page may have: letters, digits and hyphens."""
    return "".join(each if each.isalnum() else "-" for each in name)


def _known(value: float, unit: str = "", note: str = "") -> Quantity | None:
    return None if math.isnan(value) else Quantity(float(value), unit=unit, note=note)
