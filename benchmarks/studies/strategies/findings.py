"""What the study of search strategies finds: its claims beside those of Yarally et al."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import TYPE_CHECKING

from ....energy.quantities import format_percent
from ....tuners.parts.samplers import STARTUP_TRIALS
from ...statistics.expected import ExpectedRatio, expected_energy_ratio
from ...statistics.inference import MIN_RUNS
from ..facts import Claim, Findings, Quantity
from ..wording import in_words
from .exhibits import exhibits
from .paper import Published, published, rounds_to_target
from .searches import (
    BAYESIAN,
    GRID,
    RANDOM,
    Search,
    as_quantity,
    difference,
    energy_ratio,
    enough,
    searches_of,
)

if TYPE_CHECKING:
    from ...tables.table import Table

FEW = f"each strategy needs at least {MIN_RUNS} runs in each search, and some have fewer"
THEIRS = "bayesian"  # what `PUBLISHED` calls it
TRAINED = "trained_j"  # a column of `Search.reached`


def analyse(table: Table) -> Findings:
    """Name the claims of a trial table of searches.

    Args:
        table: Its groups are the searches; ``g.dataset``, ``g.network`` and ``g.hyperparameters``
            say which of the paper's each is.
    """
    searches = searches_of(table)
    bayesian = next((name for name in BAYESIAN if name in table.strategies), BAYESIAN[0])
    datasets = {
        dataset: [each for each in searches if each.dataset == dataset]
        for dataset in dict.fromkeys(each.dataset for each in searches)
    }
    theirs = published(datasets)
    return Findings(
        (
            _after_as_many_rounds(searches, bayesian, theirs),
            _grid_is_worse(searches, bayesian, theirs),
            *(_joules(dataset, own, bayesian) for dataset, own in datasets.items()),
            _leads(searches, bayesian, theirs),
            _optimiser(datasets, bayesian),
        ),
        exhibits(searches, datasets, bayesian),
        _notes(searches),
    )


def _after_as_many_rounds(
    searches: Sequence[Search], bayesian: str, theirs: Sequence[Mapping[str, Published]]
) -> Claim:
    ours, n = difference(searches, bayesian, RANDOM)
    holds, why = _judged(ours, n, above=True)
    if ours is not None and not holds:
        why += f"; {bayesian} draws its first {STARTUP_TRIALS} rounds at random, too"
    return Claim(
        "Bayesian search finds a better network than random search in as many rounds",
        _published_difference(theirs, THEIRS, RANDOM),
        ours,
        holds,
        why,
    )


def _grid_is_worse(
    searches: Sequence[Search], bayesian: str, theirs: Sequence[Mapping[str, Published]]
) -> Claim:
    ours, n = difference(searches, GRID, RANDOM)
    holds, why = _judged(ours, n, above=False)
    beside, _ = difference(searches, GRID, bayesian)
    if ours is not None and beside is not None:
        why += f"; beside {bayesian} the difference is {in_words(beside)}"
    return Claim(
        "Grid search finds a worse network than random search in as many rounds",
        _published_difference(theirs, GRID, RANDOM),
        ours,
        holds,
        why,
    )


def _published_difference(
    theirs: Sequence[Mapping[str, Published]], one: str, other: str
) -> Quantity:
    gained = fmean(each[one].accuracy - each[other].accuracy for each in theirs)
    return Quantity(100 * gained, unit="points", note=f"mean of {len(theirs)} searches")


def _judged(ours: Quantity | None, n: int, *, above: bool) -> tuple[bool | None, str]:
    """Whether a difference is on one side of zero, and why."""
    if ours is None or ours.value is None:
        return None, "the table has no scores of both strategies in one search"
    if n < MIN_RUNS or ours.low is None or ours.high is None:
        return None, f"at least {MIN_RUNS} seeds are needed, and there are {n}"
    if ours.low <= 0 <= ours.high:
        return None, f"the interval over {n} seeds includes zero"
    side = "above" if ours.low > 0 else "below"
    told = f"the whole interval over {n} seeds lies {side} zero"
    return (ours.low > 0) is above, told


def _joules(dataset: str, searches: Sequence[Search], bayesian: str) -> Claim:
    found = energy_ratio(searches, bayesian, RANDOM)
    few = not enough(searches, bayesian, RANDOM)
    theirs = published([dataset])
    rounds = expected_energy_ratio(
        rounds_to_target(theirs, THEIRS), rounds_to_target(theirs, RANDOM)
    )
    paper = as_quantity(rounds)
    assert paper is not None
    return Claim(
        f"Bayesian search takes fewer joules to the target than random search: {dataset}",
        Quantity(paper.value, paper.low, paper.high, note=f"rounds of {len(theirs)} searches"),
        as_quantity(found),
        None if few else _below_one(found),
        FEW if few and found else _why(found, energy_ratio(searches, bayesian, RANDOM, TRAINED)),
    )


def _below_one(found: ExpectedRatio | None) -> bool | None:
    """Whether a ratio is shown to be below 1; None where its interval does not tell."""
    if found is None:
        return None
    return True if found.high < 1 else False if found.low > 1 else None


_SHOWN = {
    True: "the whole interval lies below 1",
    False: "the whole interval lies above 1",
    None: "the interval includes 1",
}


def _why(found: ExpectedRatio | None, trained: ExpectedRatio | None) -> str:
    if found is None:
        return "the table has no runs of both strategies"
    if not any(found.hits):
        return "neither strategy reached the target"
    if math.isnan(found.value):
        return "not all joules of the runs are known"
    reached = (
        f"{_SHOWN[_below_one(found)]}; {found.hits[0]} of {found.runs[0]} runs of Bayesian and "
        f"{found.hits[1]} of {found.runs[1]} of random search reached the target"
    )
    alone = as_quantity(trained)
    if alone is None:
        return reached
    return f"{reached}; without the optimiser's own joules the ratio would be {in_words(alone)}"


def _leads(
    searches: Sequence[Search], bayesian: str, theirs: Sequence[Mapping[str, Published]]
) -> Claim:
    """Whether it is ahead in as many searches as in the paper."""
    led = [max(each, key=lambda name: each[name].accuracy) == THEIRS for each in theirs]
    winners = [each.facts.winners for each in searches if bayesian in each.facts.strategies]
    known = [each.at_end for each in winners if each.at_end is not None]
    statement = "Bayesian search leads in most searches, at equal energy too"
    paper = Quantity(fmean(led), unit="%", note=f"{sum(led)} of {len(led)}, at equal rounds")
    if not known:
        why = "the table has no search with Bayesian runs whose joules are known"
        return Claim(statement, paper, None, None, why)
    share = fmean(name == bayesian for name in known)
    ours = Quantity(share, unit="%", note=f"{known.count(bayesian)} of {len(known)}")
    others = "".join(
        f", {name} in {known.count(name)}" for name in dict.fromkeys(known) if name != bayesian
    )
    half, quarter = (
        sum(each.equal_energy.get(key) == bayesian for each in winners) for key in ("0.5", "0.25")
    )
    why = (
        f"at the whole common energy {bayesian} leads in {known.count(bayesian)}{others}; at half "
        f"of it {bayesian} leads in {half}, at a quarter in {quarter} (as many as in the paper are "
        "taken for most)"
    )
    few = not enough(searches, bayesian, RANDOM)
    return Claim(statement, paper, ours, None if few else share >= fmean(led), FEW if few else why)


def _optimiser(datasets: Mapping[str, Sequence[Search]], bayesian: str) -> Claim:
    """Whether the paper could leave the optimiser's joules out."""
    statement = "The energy of the optimiser itself can be left out, as in the paper"
    shares = [
        share
        for searches in datasets.values()
        for each in searches
        if bayesian in each.facts.strategies
        and (share := each.facts.strategies[bayesian].search_share) is not None
    ]
    if not shares:
        why = "the table does not tell what the optimiser spent"
        return Claim(statement, None, None, None, why)
    ours = Quantity(median(shares), unit="%", note=f"median of {len(shares)} searches")
    told, verdicts = [], []
    for dataset, searches in datasets.items():
        both = [energy_ratio(searches, bayesian, RANDOM, each) for each in ("energy_j", TRAINED)]
        told.append(f"{_value(both[1])} without and {_value(both[0])} with it on {dataset}")
        verdicts.append([_below_one(each) if each else None for each in both])
    same = all(one is other for one, other in verdicts)
    changes = "leaving it out changes no finding" if same else "leaving it out changes a finding"
    why = (
        f"it takes {in_words(Quantity(min(shares), unit='%'))} to "
        f"{in_words(Quantity(max(shares), unit='%'))} of the joules of Bayesian search, and "
        f"{changes}: the ratio to random search is {', '.join(told)}"
    )
    if not all(enough(searches, bayesian, RANDOM) for searches in datasets.values()):
        return Claim(statement, None, ours, None, FEW)
    if all(one is other is None for one, other in verdicts):
        why += ", with which nothing is shown either way"
        return Claim(statement, None, ours, None, why)
    return Claim(statement, None, ours, same, why)


def _value(found: ExpectedRatio | None) -> str:
    known = as_quantity(found)
    return in_words(known and Quantity(known.value, *_ends(known), note=known.note))


def _ends(known: Quantity) -> tuple[float | None, float | None]:
    """The ends of a ratio, where they are all that is known of it."""
    return (known.low, known.high) if known.value is None else (None, None)


def _notes(searches: Sequence[Search]) -> tuple[str, ...]:
    if not searches:
        return ()
    target = searches[0].facts.target.share
    reached = (
        "a score"
        if target is None
        else f"{format_percent(target, 0)} of the best score of its search"
    )
    rounds = sorted({each.rounds for each in searches})
    uneven = len(rounds) > 1 and f", from {rounds[0]} to {rounds[-1]} in these searches"
    return (
        f"The target is {reached}. Runs that never reach it are censored: all their joules count, "
        "and they add no hit. Expected joules are the joules of all runs over their hits. Over "
        "several searches they are added up in shares of the energy that all runs of a search had.",
        f"Equal rounds are those that every run of a search had{uneven or ''}; those of the "
        "optimum are counted from 1, also the paper's.",
        "Candidates are selected on validation data; test accuracy is only reported.",
    )
