"""Checks of patterns over trials: dead hyperparameters, means called maxima, drifts."""

from __future__ import annotations

import re
import zlib
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...models.outcome import State
from ..statistics.association import spearman
from ..statistics.runs import floats
from ..tables.mapping import plain_name
from ..tables.quantities import read_numbers
from ..tables.table import Table
from .catalogue import Evidence, Lacking
from .energies import running_sums
from .inputs import Subject, trials_of
from .trials import described

_LEAST_PAIRS = 3  # of candidates, from which a hyperparameter is called dead
_SIGNIFICANCE = 1e-5  # a drift is found below this p-value
_LEAST_DRIFT, _LEAST_TRIALS, _LEAST_RUN = 0.01, 20, 5
_RANDOM = re.compile(r"random|sobol")
# Sizes of well-known sets of images and texts, none of which is a mean
_SET_SIZES = (1_000, 2_000, 5_000, 8_000, 10_000, 25_000, 26_032, 50_000, 60_000)
_MOST_RUNS = 10
_FLOAT32 = 6e-8
_SIZE = re.compile(r"(?:n[ _])?(?:test|validation|val)[ _](?:size|samples|images)")
_BEST = re.compile(r"\b(best|max|maximum|maximal|highest)\b")
_ACCURACY = re.compile(r"\bacc(uracy)?\b")


def dead_hyperparameter(subject: Subject) -> Evidence:
    """One finding for each hyperparameter that never changes the score, where only it differs.

    Three pairs at least must be equal to the last digit, at three scores or in losses too.
    """
    table = trials_of(subject)
    trials = table.trials[(table.trials["state"] == State.COMPLETE) & table.trials["score"].notna()]
    searched = [f"p.{name}" for name in table.dimensions.searched]
    names = [name for name in searched if trials[name].nunique() > 1]
    if not names:
        raise Lacking("no hyperparameters, columns p.NAME, that vary")
    groups = _called(trials, "g.")
    losses = _losses(table, trials)
    metric = table.metric.name
    equal = "equal accuracies" if metric == "accuracy" else f"the same {metric}"
    marks = {name: _marks(trials[name]) for name in [*groups, *names]}
    whole = sum(marks.values(), np.zeros(len(trials), np.uint64))
    compared = 0
    for name in names:
        key = [*groups, *(other for other in names if other != name)]
        known = trials[name].notna().to_numpy()  # elsewhere it is inactive, or unknown
        rest = pd.Series((whole - marks[name])[known])
        if not rest.duplicated().any():  # nor are any alike in all other columns
            continue
        alike = trials[known]
        alike = alike[alike.duplicated(key, keep=False)] if key else alike
        parts = alike.assign(_loss=losses).groupby(key or [0] * len(alike), dropna=False)
        values = parts[name].nunique()
        differing = parts[["score", "_loss"]].agg(["nunique", "first"])[values > 1]
        pairs = int((values - 1).sum())
        compared += pairs
        dead = (differing.xs("nunique", axis=1, level=1) <= 1).to_numpy().all()
        curves_equal = bool(differing["_loss", "first"].notna().any())
        enough = differing["score", "first"].nunique() >= 3 or curves_equal
        if dead and enough and pairs >= _LEAST_PAIRS:
            yield (
                subject.at([name]),
                f"{pairs} pairs of candidates differ in {name} alone, and all have {equal}"
                + (" and losses" if curves_equal else "")
                + _correlations(trials, name, metric),
            )
    if not compared:
        raise Lacking("no two candidates differ in one hyperparameter alone")


def _marks(cells: pd.Series) -> NDArray[np.uint64]:
    """A number for each cell, the same for equal ones: sums of them tell most rows apart."""
    codes, _ = pd.factorize(cells, use_na_sentinel=False)
    numbers = np.random.default_rng(zlib.crc32(str(cells.name).encode("utf-8", "replace")))
    return numbers.integers(2**64, size=codes.max(initial=0) + 1, dtype=np.uint64)[codes]


def means_as_maxima(subject: Subject) -> Evidence:
    """One finding for each column of best accuracies that lie on the grid of a mean.

    With ``n`` samples (10,000 if unknown) the grid of a mean of ``k`` is ``1/(n k)``.
    """
    names = [
        name
        for name in map(str, subject.frame.columns)
        if _BEST.search(words := re.sub(r"[\W_]+", " ", name.lower())) and _ACCURACY.search(words)
    ]
    if not names:
        raise Lacking("no column is called a best or maximal accuracy")
    stated = _stated_sizes(subject)
    for name in names:
        values, error = _accuracies(subject.frame[name])
        plain = (_strength(values, n, error) is not None for n in stated or _SET_SIZES)
        if len(values) and any(plain):
            continue
        for n, k in product(stated or [10_000], range(2, _MOST_RUNS + 1)):
            strength = _strength(values, n * k, error)
            if strength is not None and strength >= 6:
                yield (
                    subject.at([name]),
                    f"all {len(values)} different values are multiples of 1/{n * k:,}, though not "
                    f"of 1/{n:,}: means of {k} accuracies on {n:,} samples (by chance: less than "
                    f"1 in 10^{strength:.0f})",
                )
                break


def order_effects(subject: Subject) -> Evidence:
    """One finding if the energy of comparable trials rises or falls with their order in a run.

    Comparable are repetitions of a candidate, and random trials until the first that was cut: their
    order says nothing of them. Energies are per operation and epoch where these are known.
    """
    table = trials_of(subject)
    trials = table.trials[table.trials["energy_j"] > 0]
    work = floats(trials["epochs"]) * floats(trials["flops"])
    cost = floats(trials["energy_j"]) / np.where(work > 0, work, np.nan)
    trials = trials.assign(_cost=cost if np.isfinite(cost).all() else floats(trials["energy_j"]))
    if running_sums(table):
        raise Lacking("the energies are running sums, which grow by themselves")
    settings = [f"p.{name}" for name in table.dimensions.searched]
    orders, costs = [], []
    for _, run in trials.sort_values("trial").groupby("run", sort=False):
        for part in _comparable(_until_cut(run), settings):
            if len(part) >= _LEAST_RUN:
                orders.append(np.linspace(-1, 1, len(part)))
                log = np.log(floats(part["_cost"]))
                costs.append(log - np.median(log))
    if sum(map(len, orders)) < _LEAST_TRIALS:
        raise Lacking(
            f"fewer than {_LEAST_TRIALS} comparable trials: repetitions of one candidate, or those "
            "of a random search"
        )
    order, log_cost = np.concatenate(orders), np.concatenate(costs)
    found = spearman(order, log_cost)
    change = float(np.exp(np.median(log_cost[order > 0]) - np.median(log_cost[order < 0])) - 1)
    if found.p < _SIGNIFICANCE and abs(change) >= _LEAST_DRIFT and found.rho * change > 0:
        yield (
            subject.at(["trial", "energy_j"]),
            f"Spearman correlation {found.rho:.2f} (p = {found.p:.1g}) of energy and order in "
            f"{len(order)} comparable trials of {len(orders)} sequences; the later half costs "
            f"{abs(change):.1%} {'more' if change > 0 else 'less'}",
        )


def _until_cut(run: pd.DataFrame) -> pd.DataFrame:
    """The trials before the one that the budget ended: which one that is depends on its energy."""
    cut = (run["state"] != State.COMPLETE).to_numpy()
    return run.iloc[: int(cut.argmax()) if cut.any() else len(run) - 1]


def _comparable(run: pd.DataFrame, settings: list[str]) -> list[pd.DataFrame]:
    """The parts of a run within which order says nothing of the candidates."""
    if len(run) and _RANDOM.search(str(run["strategy"].iloc[0]).lower()):
        return [run]
    if not settings:
        return []
    repeated = run[run.duplicated(settings, keep=False)]
    return [part for _, part in repeated.groupby(settings, dropna=False)]


def _called(trials: pd.DataFrame, beginning: str) -> list[str]:
    return [name for name in map(str, trials.columns) if name.startswith(beginning)]


def _losses(table: Table, trials: pd.DataFrame) -> pd.Series:
    """The whole curve of losses and scores of each trial, as text; null without a curve."""
    if table.curves is None:
        return pd.Series(None, index=trials.index, dtype=object)
    columns = [name for name in ("score", "loss") if name in table.curves]
    curves = table.curves.sort_values("epoch").groupby(["run", "trial"])[columns]
    written = curves.agg(tuple).astype(str).agg(" ".join, axis=1)
    return trials[["run", "trial"]].apply(lambda row: written.get(tuple(row)), axis=1)


def _correlations(trials: pd.DataFrame, name: str, score: str) -> str:
    """Spearman correlation of a numeric hyperparameter with energy and score, in words."""
    values = pd.to_numeric(trials[name], errors="coerce")
    if values.nunique() < 3:
        return ""
    rho = [spearman(values, trials[c]).rho for c in ("energy_j", "score")]
    return f" (Spearman correlation with energy {rho[0]:.2f}, with {score} {rho[1]:.2f})"


def _stated_sizes(subject: Subject) -> list[int]:
    """How many samples accuracies are of, where the table says it."""
    sizes = [
        size
        for name in map(str, subject.frame.columns)
        if _SIZE.fullmatch(plain_name(name.lower()))
        for size in read_numbers(subject.frame[name])[:1]
    ]
    if subject.table is not None:
        data = described(subject.table, "data")
        sizes += [data.get("validation"), data.get("test")]
    known = [size for size in sizes if isinstance(size, int | float) and np.isfinite(size)]
    return [int(size) for size in known if size > 1]


def _accuracies(cells: pd.Series) -> tuple[NDArray[np.float64], float]:
    """The different accuracies of a column, as fractions, and how far each may be off."""
    values = read_numbers(cells)
    texts = cells[np.isfinite(values)].astype(str).str.strip().str.rstrip("%")
    decimals = max((len(text.partition(".")[2]) for text in texts), default=0)
    found = np.unique(values[np.isfinite(values)])
    scale = 100.0 if len(found) and found.max() > 1 else 1.0
    return found / scale, max(0.5 * 10.0**-decimals / scale, _FLOAT32)


def _strength(values: NDArray[np.float64], n: int, error: float) -> float | None:
    """Minus log10 of the chance that values lie on multiples of 1/n; None if they do not."""
    if np.any(np.abs(values * n - np.round(values * n)) > error * n + 1e-9):
        return None
    return float(-len(values) * np.log10(min(2 * error * n + 1e-12, 1.0)))
