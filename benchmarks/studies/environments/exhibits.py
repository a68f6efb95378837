"""The tables and figures of the study of environments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from ...statistics.association import spearman
from ...statistics.inference import (
    SIGNIFICANCE,
    cliffs_delta,
    dunn_holm,
    interval,
    kruskal_wallis,
)
from ...statistics.projection import CLOSE, Projections
from ..comparing import quantity
from ..facts import Axis, Cell, Exhibit, Plot, Quantity, Series, Sheet

if TYPE_CHECKING:
    import pandas as pd

GIGA = 1e9  # joules per 10^9 operations are easier to read


def exhibits(trials: pd.DataFrame, projections: Projections) -> tuple[Exhibit, ...]:
    """Tables and figures of trials with the columns of `environments_analysis`."""
    known = trials.dropna(subset=["j_image"])
    shown: list[Exhibit] = []
    if len(known):
        shown = [_cells(known), _interaction(known), _suits(known), _flops(known)]
        shown += [_tests(known), _pairs(known)]
    if projections.finished:
        shown.append(_projections(trials, projections))
    return tuple(each for each in shown if not isinstance(each, Sheet) or each.rows)


def _names(trials: pd.DataFrame, column: str) -> list[str]:
    return list(dict.fromkeys(trials[column].astype(str)))


def _groups(trials: pd.DataFrame, column: str) -> dict[str, pd.Series]:
    """Joules per image by the levels of a column."""
    return {name: trials.loc[trials[column] == name, "j_image"] for name in _names(trials, column)}


def _each(trials: pd.DataFrame, column: str) -> Iterator[tuple[str, pd.DataFrame]]:
    for name in _names(trials, column):
        yield name, trials[trials[column] == name]


def _median(values: pd.Series, unit: str = "", times: float = 1.0) -> Quantity | None:
    return quantity(interval(values * times), unit)


def _cells(trials: pd.DataFrame) -> Sheet:
    rows = [
        (
            model,
            environment,
            Quantity(len(cell)),
            _median(cell["j_image"], "J"),
            _median(cell["j_flop"], "J", GIGA),
            _median(cell["s_image"], "s"),
            _median(cell["score"]),
        )
        for environment, own in _each(trials, "environment")
        for model, cell in _each(own, "model")
    ]
    return Sheet(
        "cells",
        "What each model costs in each environment",
        "Medians over repetitions with their 95 % intervals; joules of the whole training, with "
        "its setup and validation, per image that it learnt from.",
        ("model", "environment", "runs", "per image", "per GFLOP", "time per image", "score"),
        tuple(rows),
    )


def _interaction(trials: pd.DataFrame) -> Plot:
    places = _names(trials, "environment")
    series = []
    for model, own in _each(trials, "model"):
        found = [_median(own.loc[own["environment"] == place, "j_image"]) for place in places]
        series.append(Series.of(model, map(float, range(len(places))), found))
    return Plot(
        "interaction",
        "Models by environments",
        "Lines that are not parallel mean that it depends on the model which environment is the "
        "cheaper one, or by how much.",
        Axis("environment", labels=tuple(places)),
        Axis("energy per image", "J", log=True),
        tuple(series),
    )


def _suits(trials: pd.DataFrame) -> Sheet:
    return Sheet(
        "suits",
        "Which environment suits which model",
        "Where a training costs least per image, and how much more it costs where it costs most.",
        ("model", "cheapest", "per image there", "dearest", "times as much", "delta", "verdict"),
        tuple(
            row
            for model, own in _each(trials, "model")
            if (row := _suited(model, _groups(own, "environment"))) is not None
        ),
    )


def _suited(model: str, groups: Mapping[str, pd.Series]) -> tuple[Cell, ...] | None:
    if len(groups) < 2:
        return None
    order = sorted(groups, key=lambda name: groups[name].median())
    best, worst = order[0], order[-1]
    test, delta = kruskal_wallis(groups), cliffs_delta(groups[worst], groups[best])
    # The best is told apart from all others if it is from the next.
    p = dunn_holm(groups).loc[best].to_dict()[order[1]]
    verdict = f"{best} suits it (p = {p:.2g} against the next)"
    if not test.conclusive:
        verdict = "too few repetitions to say"
    elif p >= SIGNIFICANCE:
        verdict = f"{best} and {order[1]} are not told apart (p = {p:.2g})"
    ratio = groups[worst].median() / groups[best].median()
    return (
        model,
        best,
        _median(groups[best], "J"),
        worst,
        Quantity(float(ratio)),
        Quantity(delta),
        verdict,
    )


def _flops(trials: pd.DataFrame) -> Plot:
    series = []
    for place, own in _each(trials.dropna(subset=["flops"]), "environment"):
        cells = sorted(_each(own, "model"), key=lambda cell: cell[1]["flops"].median())
        found = [_median(cell["j_image"]) for _, cell in cells]
        flops = (float(cell["flops"].median()) for _, cell in cells)
        series.append(Series.of(place, flops, found, texts=(model for model, _ in cells)))
    return Plot(
        "flops",
        "Energy against operations",
        "If operations told the energy, all models of an environment would lie on one line that "
        "rises tenfold from decade to decade.",
        Axis("operations of a forward pass", log=True),
        Axis("energy per image", "J", log=True),
        tuple(series),
    )


def _tests(trials: pd.DataFrame) -> Sheet:
    rows: list[tuple[Cell, ...]] = []
    for among, column in (("models on", "environment"), ("environments of", "model")):
        other = {"environment": "model", "model": "environment"}[column]
        for name, own in _each(trials, column):
            groups = _groups(own, other)
            if len(groups) > 1:
                rows.append((f"{among} {name}", *_kruskal_wallis(groups)))
    for place, own in _each(trials, "environment"):
        found = spearman(own["flops"].astype(float), own["j_image"])
        effect = Quantity(found.rho, note="rho") if np.isfinite(found.rho) else None
        p = Quantity(found.p) if np.isfinite(found.p) else None
        rows.append((f"FLOPs and joules on {place}", "Spearman", p, effect, found.reason))
    return Sheet(
        "tests",
        "Whether the differences are more than chance",
        "Kruskal-Wallis tests of joules per image with eta squared = (H - k + 1) / (n - k), and "
        "Spearman's correlation of FLOPs with joules per image over all trainings.",
        ("what is compared", "test", "p", "effect size", "in words"),
        tuple(rows),
    )


def _kruskal_wallis(groups: Mapping[str, pd.Series]) -> tuple[Cell, ...]:
    test = kruskal_wallis(groups, of="group")
    effect = Quantity(test.eta_squared, note="eta squared") if test.k < test.n else None
    name = f"H = {test.h:.1f}, k = {test.k}, n = {test.n}"
    said = "they differ" if test.p < SIGNIFICANCE else "that may be chance"
    return name, Quantity(test.p), effect, said if test.conclusive else test.reason


def _pairs(trials: pd.DataFrame) -> Sheet:
    rows = []
    for place, own in _each(trials, "environment"):
        groups = _groups(own, "model")
        p = dunn_holm(groups)
        for one, other in combinations(groups, 2):
            delta = cliffs_delta(groups[one], groups[other])
            cells = (Quantity(p.loc[one].to_dict()[other]), Quantity(delta))
            rows.append((place, f"{one} against {other}", *cells))
    return Sheet(
        "pairs",
        "Models two by two",
        "Dunn's test of joules per image with Holm's correction, and Cliff's delta: 1 if the first "
        "always costs more, -1 if it always costs less.",
        ("environment", "models", "p", "Cliff's delta"),
        tuple(rows),
    )


def _projections(trials: pd.DataFrame, found: Projections) -> Sheet:
    columns = ("run", "trial", "model", "environment")
    cells = {
        (run, trial): (str(model), str(place))
        for run, trial, model, place in zip(*(trials[name] for name in columns), strict=True)
    }
    errors: dict[tuple[str, str], list[tuple[float, bool, bool]]] = {}
    for each in found.finished:
        cell = cells.get((each.run, each.trial))  # None of a trial whose joules are not all known
        if each.error is None or each.measured_j is None or cell is None:
            continue
        ends = each.projection
        inside = ends.low_j <= each.measured_j <= ends.high_j
        errors.setdefault(cell, []).append((each.error, inside, ends.steady))
    rows = tuple((*key, *_errors(own)) for key, own in errors.items())
    return Sheet(
        "projection",
        "Trainings projected from their first five steady epochs",
        "Projected over measured joules of the whole training, less one. Intervals take epochs for "
        "independent draws: where the machine drifts, more than 5 % lie outside.",
        ("model", "environment", "runs", "median", "worst", "within 10 %", "in interval", "steady"),
        rows,
    )


def _errors(own: Sequence[tuple[float, bool, bool]]) -> tuple[Cell, ...]:
    errors = [error for error, _, _ in own]

    def share(hits: Sequence[bool]) -> Quantity:
        return Quantity(sum(hits) / len(hits), unit="%")

    return (
        Quantity(len(own)),
        Quantity(median(errors), unit="%"),
        Quantity(max(errors, key=abs), unit="%"),
        share([abs(error) <= CLOSE for error in errors]),
        share([inside for _, inside, _ in own]),
        share([steady for *_, steady in own]),
    )
