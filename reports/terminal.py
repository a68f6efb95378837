"""What people see on stdout: analyses, incumbents, strategies."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from ..benchmarks.tables.table import counted
from ..energy.carbon import format_grams
from ..models.metric import ACCURACY, Metric
from .format import (
    UNAVAILABLE,
    format_energy,
    format_interval,
    format_kinds,
    format_percent,
    format_score,
    format_value,
)
from .progress.console import open_console

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.analysis.facts import ByCriterion, GroupFacts, Reached, Spread, StrategyFacts
    from ..tuners.registry import Recipe

MOST_GROUPS = 12
"""Groups whose tables are printed; of more, only the counts."""


def print_analysis(analysis: Analysis, told: Collection[str] = ()) -> None:
    """Print a table per group, who wins, and what is to be held against that.

    Args:
        analysis: The analysis.
        told: Notes that the reader of this terminal has seen already.
    """
    from ..benchmarks.analysis.wording import labelled

    console = open_console()
    for group in analysis.groups[:MOST_GROUPS]:
        console.print(_strategies(group))
        if len(analysis.groups) > 1:
            console.print(labelled(group.by, group.verdict.sentence), style="bold")
    if len(analysis.groups) > MOST_GROUPS:
        more = len(analysis.groups) - MOST_GROUPS
        console.print(f"… and {more} groups more; see --json or --html.")
    if len(analysis.groups) > 1:
        _print_counts(analysis)
    console.print(analysis.headline, style="bold")
    console.print(analysis.because)
    for note in analysis.caveats:
        if not (console.is_terminal and note in told):
            console.print(f"- {note}")


def _strategies(group: GroupFacts) -> Table:
    """What each strategy reached and spent, the best first.

    A star marks who wins a column and who is as good, two say that the runs support it. Columns of
    which nothing is known are left out.
    """
    from ..benchmarks.analysis.naming import target_score
    from ..benchmarks.analysis.wording import basis, label
    from .tables import kinds_differ, leading

    show = partial(format_score, metric=group.metric)
    name, kinds = label(group.by), format_kinds(group.energy_kinds)
    what = f"{name}: " if name else ""
    way = "" if group.metric.maximised else " (lower is better)"
    what += f"{group.metric.name}{way} at shares of {basis(group)}; energy {kinds}; "
    what += "* is best, ** beyond chance"
    *_, last = group.winners.equal_energy
    winners, several = group.winners, len(group.strategies) > 1

    def marked(text: str, name: str, which: Callable[[ByCriterion[Any]], Any]) -> str:
        star = "**" if which(group.tests).supported else "*"
        is_best = name == which(winners) or name in which(group.ties)
        return f"{text} {star}" if several and is_best else text

    columns: dict[str, Callable[[str, StrategyFacts], str]] = {
        "runs": lambda _, own: format_value(own.runs),
        **{
            f"{float(share):.0%}": lambda n, own, share=share: marked(
                _median(own.equal_energy[share], show),
                n,
                lambda by: by.equal_energy[share],
            )
            for share in winners.equal_energy
        },
        "interval": lambda _, own: format_interval(own.equal_energy[last], show),
        "test": lambda _, own: _median(own.test_score, show),
        f"J to {target_score(group)}": lambda n, own: marked(
            _reached(own.energy_to_target), n, lambda by: by.energy_to_target
        ),
        "anytime": lambda n, own: marked(_median(own.anytime, show), n, lambda by: by.anytime),
        "J per run": lambda _, own: format_energy(own.energy_j and own.energy_j.median),
        "search": lambda _, own: format_percent(own.search_share),
    }
    if kinds_differ(group):
        columns["energy"] = lambda _, own: format_kinds([own.energy_kind])
    names = leading([group])
    cells = {head: [say(n, group.strategies[n]) for n in names] for head, say in columns.items()}
    seen = {head: own for head, own in cells.items() if {*own} - {UNAVAILABLE}}
    table = Table(title=what, title_justify="left")
    table.add_column("strategy", no_wrap=True)
    for head in seen:
        table.add_column(head, justify="left" if head == "energy" else "right")
    for place, strategy in enumerate(names):
        table.add_row(strategy, *(own[place] for own in seen.values()))
    return table


def _median(spread: Spread | None, show: Callable[[object], str]) -> str:
    return show(spread and spread.median)


def _reached(reached: Reached) -> str:
    hits = f"({reached.hits}/{reached.runs})"
    return f"{format_energy(reached.ert_j)} {hits}" if reached.hits else f"never {hits}"


def _print_counts(analysis: Analysis) -> None:
    """Print how many groups each strategy wins, and the mean ranks."""
    from .overviews import counts_columns

    console, columns = open_console(), counts_columns(analysis)
    table = Table(title="Groups won", title_justify="left")
    for head in ("strategy", *columns):
        table.add_column(head, justify="left" if head == "strategy" else "right")
    for name in dict.fromkeys(name for won in columns.values() for name in won):
        table.add_row(name, *(format_value(won.get(name, 0)) for won in columns.values()))
    console.print(table)
    for what, ranks in (
        ("equal energy", analysis.ranks.equal_energy),
        ("anytime", analysis.ranks.anytime),
    ):
        if ranks is not None:
            means = ", ".join(f"{name} {rank:.2f}" for name, rank in ranks.strategies.items())
            console.print(f"- {what}: mean ranks {means}. {ranks.reason}")


def print_comparison(analysis: Analysis, summary: Mapping[str, Any], page: Path) -> None:
    """Print the analysis of a run folder, how it was metered, and where its page is."""
    from ..benchmarks.comparison.drift import Drift
    from ..benchmarks.tables.facts import read_fact

    print_analysis(analysis)
    console, work = open_console(), summary["work"]
    for source in summary["provenance"]:
        console.print(f"- {source['component']} energy is {source['kind']}: {source['detail']}.")
    for group in analysis.groups:
        for name, own in group.strategies.items():
            if own.prediction_error is not None:
                error = format_percent(own.prediction_error, 0)
                console.print(f"- {name} predicted the joules of its slices within {error}.")
    if summary["carbon"] is not None:
        emitted = format_grams(summary["carbon"]["total_g"])
        console.print(f"- The runs emitted {emitted} CO2e at {summary['carbon']['intensity']}.")
    if work["wait_share"] is not None:
        console.print(
            f"- Workers waited {format_percent(work['wait_share'])} of their time, and spent "
            f"{format_percent(work['asking_share'])} of it on asks."
        )
    drift = read_fact(Drift, work["drift"])
    if drift is not None and not drift.is_large:  # a large one is among the notes
        console.print(f"- {drift.sentence}")
    console.print(f"Report: {page}", soft_wrap=True)


def print_best(
    run: Mapping[str, Any],
    folder: Path,
    metric: Metric = ACCURACY,
    refit: Mapping[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Print the best candidate of a search, what training it again gave, and some notes.

    Hyperparameters that are inactive in it are left out.
    """
    console = open_console()
    spent = f"{format_energy(run['spent_j'])} spent on {counted(run['trials'], 'trial')}"
    best = run["incumbent"]
    if best is None:
        console.print(f"No trial was validated: {spent}; give more joules.")
        for note in notes:
            console.print(f"- {note}")
        return
    table = Table("hyperparameter", "value", title="Best candidate", title_justify="left")
    for name, value in best["params"].items():
        if value is not None:
            table.add_row(name, format_value(value))
    console.print(table)
    console.print(
        f"Validation {metric.name} {format_score(best['score'], metric)}, "
        f"test {metric.name} {format_score(best['test_score'], metric)}; "
        f"found after {format_energy(best['found_at_j'])}, "
        f"its own training took {format_energy(best['energy_j'])}; {spent}."
    )
    if refit is not None and refit["state"] == "complete":
        console.print(
            f"Trained again on train and validation data, {counted(refit['epochs'], 'epoch')} for "
            f"{format_energy(refit['energy_j'])} ({refit['energy_kind']}) beside the budget: "
            f"test {metric.name} {format_score(refit['test_score'], metric)}."
        )
    for note in notes:
        console.print(f"- {note}")
    written = [folder / "best.json", *(["best.pt"] if (folder / "best.pt").exists() else ())]
    console.print(f"Written: {', '.join(map(str, written))}", soft_wrap=True)


def print_strategies(recipes: list[Recipe]) -> None:
    """The strategies, a line each."""
    table = Table("strategy", "what it does", "seeks", "prunes", "from")
    for recipe in recipes:
        prunes = "yes" if recipe.prunes else "-"
        table.add_row(recipe.name, recipe.summary, recipe.optimises, prunes, recipe.source)
    own = "your own: (space, seed) -> object with ask and tell"
    table.add_row("module:attribute", own, "", "", "you")
    table.add_row("module:Class(...)", "any Optuna sampler, with literal arguments", "", "", "you")
    console = open_console()
    console.print(table)
    for ability, heeded in (("stops_early", "--stop-early"), ("transfers", "--warm-start")):
        able = [recipe.name for recipe in recipes if getattr(recipe, ability)]
        console.print(f"{heeded} is heeded by {', '.join(able)}.")
