"""The tables and figures behind the claims on search strategies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...statistics.association import spearman
from ...statistics.inference import interval
from ..comparing import quantity
from ..facts import Axis, Cell, Exhibit, Mark, Plot, Quantity, Series, Sheet
from .paper import PUBLISHED, Published
from .searches import (
    BAYESIAN,
    RANDOM,
    Search,
    as_quantity,
    best_so_far,
    energy_ratio,
)

if TYPE_CHECKING:
    import pandas as pd

    from ...analysis.facts import Spread, StrategyFacts


def exhibits(
    searches: Sequence[Search], datasets: Mapping[str, Sequence[Search]], bayesian: str
) -> tuple[Exhibit, ...]:
    """All of them, in the order of the page."""
    if not searches:
        return ()
    return (
        _paper_sheet(searches),
        _energy_sheet(searches),
        _ratio_plot(searches, bayesian),
        *(_rounds_plot(dataset, own) for dataset, own in datasets.items()),
        *_alive_sheet(searches),
    )


def _rows(searches: Sequence[Search]) -> Iterator[tuple[Search, str, StrategyFacts]]:
    for search in searches:
        for name, facts in search.facts.strategies.items():
            yield search, name, facts


def _paper_sheet(searches: Sequence[Search]) -> Sheet:
    rows: list[tuple[Cell, ...]] = []
    for search, name, facts in _rows(searches):
        own = search.best[search.best["strategy"] == name]
        metric = search.table.metric
        unit = "%" if metric.is_share else ""
        theirs = _theirs(search, name)
        rows.append(
            (
                f"{search.label}: {name}",
                quantity(interval(metric.oriented(own["score"].to_numpy())), unit),
                theirs and Quantity(theirs.accuracy, unit="%"),
                quantity(interval(own["round"])),
                theirs and Quantity(theirs.optimum),
                _cell(facts.test_score, unit),
            )
        )
    return Sheet(
        "paper",
        "Best accuracy and optimum round, beside the paper's",
        "Ours are medians over runs with 95 % intervals, on validation data; the paper has one run "
        "of each, on test data. Compare the order of the strategies within a search.",
        (
            "search",
            "best accuracy",
            "the paper's accuracy",
            "optimum round",
            "the paper's round",
            "its accuracy on test data",
        ),
        tuple(rows),
    )


def _theirs(search: Search, name: str) -> Published | None:
    return PUBLISHED.get(search.key, {}).get("bayesian" if name in BAYESIAN else name)


def _energy_sheet(searches: Sequence[Search]) -> Sheet:
    rows: list[tuple[Cell, ...]] = []
    for search, name, facts in _rows(searches):
        unit = "%" if search.table.metric.is_share else ""
        reached, ratio = facts.energy_to_target, energy_ratio([search], name, RANDOM)
        rows.append(
            (
                f"{search.label}: {name}",
                *(_cell(facts.equal_energy.get(key), unit) for key in ("0.25", "0.5", "1.0")),
                f"{reached.hits} of {reached.runs}",
                Quantity(1.0) if name == RANDOM and reached.hits else as_quantity(ratio),
                None if facts.search_share is None else Quantity(facts.search_share, unit="%"),
            )
        )
    return Sheet(
        "energy",
        "Accuracy at equal energy, and joules to the target",
        "At equal energy no strategy is judged on more joules than another. Expected joules to the "
        "target are set beside those of random search; below 1 is cheaper.",
        (
            "search",
            "at a quarter of the energy",
            "at half",
            "at the whole",
            "runs that reached the target",
            "expected joules over random's",
            "the optimiser's own share of joules",
        ),
        tuple(rows),
    )


def _cell(found: Spread | None, unit: str) -> Cell:
    return None if found is None else Quantity(found.median, found.low, found.high, unit)


def _ratio_plot(searches: Sequence[Search], bayesian: str) -> Plot:
    series = (
        _ratios(f"{bayesian}, all joules", searches, bayesian, "energy_j"),
        _ratios(f"{bayesian}, without the optimiser's own", searches, bayesian, "trained_j"),
    )
    return Plot(
        "ratios",
        "Expected joules to the target of Bayesian over random search",
        "Below 1 Bayesian search is cheaper; the distance between the two colours is what the "
        "optimiser itself costs.",
        Axis("search", labels=tuple(search.label for search in searches)),
        Axis("joules over those of random search", log=True),
        series,
        (Mark("as many joules as random search", 1.0, "y"),),
        ("Searches in which one of the two never reached the target have no dot.",),
    )


def _ratios(name: str, searches: Sequence[Search], bayesian: str, column: str) -> Series:
    """The ratio of each search with its interval, where it has one of both."""
    found = [as_quantity(energy_ratio([each], bayesian, RANDOM, column)) for each in searches]
    known = [replace(each, low=each.low or None) if each and each.value else None for each in found]
    return Series.of(name, map(float, range(len(searches))), known, style="dots")


def _rounds_plot(dataset: str, searches: Sequence[Search]) -> Plot:
    metric = searches[0].table.metric
    names = dict.fromkeys(name for search in searches for name in search.facts.strategies)
    common = [name for name in names if all(name in each.facts.strategies for each in searches)]
    return Plot(
        f"rounds-{dataset}",
        f"Best {metric.name} by round: {dataset}",
        "The paper's view: a round is a candidate, whatever it and the choice of it cost. Median "
        "over runs, of these the mean over searches.",
        Axis("rounds"),
        Axis(f"best {metric.name} so far", "%" if metric.is_share else ""),
        tuple(Series(name, *best_so_far(searches, name), style="line") for name in common),
    )


def _alive_sheet(searches: Sequence[Search]) -> Iterator[Sheet]:
    """How accuracy goes with each hyperparameter among random candidates."""
    names = dict.fromkeys(
        name
        for search in searches
        for name in map(str, search.table.trials)
        if name.startswith("p.") and search.table.trials[name].nunique() > 1
    )
    rows = []
    for search in searches:
        trials = search.table.trials
        drawn = trials[trials["strategy"] == RANDOM]
        if drawn["score"].notna().sum() > 1:
            cells = (_rho(drawn.get(name), drawn["score"]) for name in names)
            rows.append((search.label, *cells))
    if rows and names:
        yield Sheet(
            "alive",
            "What each hyperparameter does",
            "Spearman's rank correlation of each hyperparameter with accuracy, over all candidates "
            "of random search. One near 0 need not be dead: it may act both ways, or with others. "
            "All of them reach the optimiser.",
            ("search", *(name.removeprefix("p.").replace("_", " ") for name in names)),
            tuple(rows),
        )


def _rho(values: pd.Series | None, scores: pd.Series) -> Cell:
    import pandas as pd

    if values is None:
        return None
    found = spearman(pd.to_numeric(values, errors="coerce"), scores)
    return None if math.isnan(found.rho) else Quantity(found.rho, note=f"p = {found.p:.2g}")
