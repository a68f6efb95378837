"""What the page says beside the analysis: figures at the top, meters, settings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from ..benchmarks.analysis import naming
from ..benchmarks.analysis.runs import best_runs, emissions, spent_j
from ..benchmarks.comparison.machines import MachineFacts
from ..benchmarks.comparison.work import WorkersReport
from ..benchmarks.tables.contract import VERSION
from ..benchmarks.tables.facts import read_fact
from ..benchmarks.tables.table import counted
from ..energy.carbon import format_grams
from ..models.conditions import in_words
from . import failures
from .format import (
    format_duration,
    format_energy,
    format_kind,
    format_kinds,
    format_score,
    format_value,
    known,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.analysis.facts import Finding
    from ..benchmarks.tables.table import Table

NOT_STATED = "not stated"
KINDS = {
    "measured": "A hardware counter, read at the edges of every trial.",
    "integrated": "Power samples of a sensor, summed over time.",
    "modelled": "An estimate from activity, not a meter: good for comparing like with like here, "
    "less so for absolute joules.",
    "apportioned": "A meter or a model shared by several trials, split between them: by CPU time, "
    "or evenly where they are trained as one stack.",
    "unavailable": "No reading. It is left out of every sum, not counted as zero.",
    "lower bound": "The trial was lost before its end: at least this much was spent.",
    "replayed": "Recorded joules of another search, looked up and not spent again.",
    NOT_STATED: "The table does not say how these joules became known.",
}
"""What each kind of energy means to a reader."""

SCOPES = {
    "process": "the processes of the trial",
    "package": "the whole processor package",
    "board": "the whole board",
    "module": "the whole module",
    "node": "the whole machine",
}
"""What each scope covers."""

Figure = tuple[str, str, str]
"""What, value, and a word beside it."""


def title(table: Table) -> str:
    """Return what the page is about."""
    experiment = part(table, "experiment")
    what = experiment.get("dataset") or experiment.get("objective")
    return f"Hyperparameter search on {what}" if what else "A table of trials"


def created(table: Table) -> tuple[str, str] | None:
    """Return when the comparison began, for machines and for people; None if unknown."""
    stated = (table.description or {}).get("created")
    try:
        moment = datetime.fromisoformat(str(stated))
    except ValueError:
        return None
    return str(stated), f"{moment.day} {moment:%B %Y, %H:%M %Z}".strip()


def status(table: Table) -> str:
    """Return whether a comparison is complete; empty where the table does not tell."""
    if table.runs is None:
        return ""
    return "interrupted" if table.runs["end"].isna().any() else "complete"


def badges(analysis: Analysis) -> list[tuple[str, str]]:
    """Return the badges of the headline, their kind and their words: what the runs support."""
    groups = analysis.groups
    energy = energy_badge(analysis)
    if not any(group.is_scored for group in groups):
        return [("wait", "energy alone"), energy]
    if all(len(group.strategies) == 1 for group in groups):
        return [("", "one strategy"), energy]
    budget, target = zip(*((g.verdict.budget, g.verdict.target) for g in groups), strict=True)
    return [_badge("fixed budget", budget), _badge("fixed target", target), energy]


def _badge(what: str, findings: Sequence[Finding]) -> tuple[str, str]:
    """Return the badge of one finding: whether it is supported, and by how much."""
    supported = sum(finding.supported for finding in findings)
    kind = "yes" if supported == len(findings) else "wait"
    if len(findings) > 1:
        return kind, f"{what}: supported in {supported or 'none'} of {len(findings)} groups"
    [finding] = findings
    words = {"each": "supported", "together": "supported, against the others together"}
    return kind, f"{what}: {words.get(finding.over or '', 'not conclusive')}"


def energy_badge(analysis: Analysis) -> tuple[str, str]:
    """Return the badge that says which kind of energy is told."""
    kinds = {kind for group in analysis.groups for kind in group.energy_kinds}
    return "", f"{'kind of ' if kinds == {NOT_STATED} else ''}energy {format_kinds(kinds)}"


def key_figures(table: Table, analysis: Analysis) -> list[Figure]:
    """Return the figures at the top."""
    groups, trials = analysis.groups, table.trials
    figures: list[Figure] = []
    if table.by:
        figures.append(("groups", f"{len(groups):,}", f"by {', '.join(table.by)}"))
    if len(groups) == 1 and groups[0].is_scored:
        figures += _findings(table, analysis)
    figures += energies(table)
    strategies = len(table.strategies)
    figures.append(
        (
            "runs",
            f"{sum(group.runs for group in groups):,}",
            f"of {strategies} strateg{'y' if strategies == 1 else 'ies'}",
        )
    )
    states = trials["state"].value_counts()
    told = ", ".join(f"{count:,} {state}" for state, count in states.items())
    figures.append(("trials", f"{len(trials):,}", told or "none yet"))
    figures += filter(None, [failures.key_figure(trials)])
    effort = work(table)
    if effort is not None:
        workers = f"workers: {format_value(effort.workers)}"
        figures.append(("time", format_duration(effort.wall_s), workers))
    return figures


def _findings(table: Table, analysis: Analysis) -> list[Figure]:
    """The best score and the least energy to the target, of a single group."""
    [group] = analysis.groups
    metric = group.metric
    finder = next(iter(best_runs(table)))
    reached = {n: own.energy_to_target.ert_j for n, own in group.strategies.items()}
    spent = {name: ert_j for name, ert_j in reached.items() if ert_j is not None}
    cheapest = group.winners.energy_to_target or next(iter(spent), None)
    return [
        (
            naming.best_validation(metric),
            format_score(group.best_score, metric),
            f"found by {finder}",
        ),
        (
            f"least energy to {naming.target_score(group)}",
            format_energy(spent[cheapest] if cheapest else None),
            f"expected, by {cheapest}" if cheapest else "no run reached it",
        ),
    ]


def energies(table: Table) -> list[Figure]:
    """The joules of each kind apart: what one kind says cannot be added to another's."""
    figures: list[Figure] = []
    kinds = joules_by_kind(table.trials)
    experiment, carbon = part(table, "experiment"), emissions(table)
    emitted = "" if carbon is None else f", {format_grams(carbon['total_g'])} CO2e"
    for kind, count, joules in kinds:
        word = "of a kind not stated" if kind == NOT_STATED else kind
        beside = f"of {counted(count, 'trial')}"
        if len(kinds) == 1 and table.runs is not None:
            budget_j = known(experiment.get("budget_j"))
            beside = beside if budget_j is None else f"of {format_energy(budget_j)}{emitted}"
            figures.append((f"energy, {word}", format_energy(spent_j(table)), beside))
        else:
            figures.append((f"energy, {word}", format_energy(joules), beside))
    unread = int(table.trials["energy_j"].isna().sum())
    if unread:
        figures.append(("energy, unknown", counted(unread, "trial"), "in no sum"))
    return figures


def joules_by_kind(trials: pd.DataFrame) -> list[tuple[str, int, float]]:
    """Return each kind of energy, how many trials have it, and their joules."""
    readings = trials[trials["energy_j"].notna()]
    kinds = readings["energy_kind"].fillna(NOT_STATED)
    return [
        (format_kind(kind), len(joules), float(joules.sum()))
        for kind, joules in readings.groupby(kinds, sort=False)["energy_j"]
    ]


def kind_meanings(table: Table) -> dict[str, str]:
    """Return what the single kinds of energy of a table mean; joules may be of several at once."""
    found = [kind.split(" and ") for kind, _, _ in joules_by_kind(table.trials)]
    return {kind: KINDS.get(kind, "") for kinds in found for kind in kinds}


def meters(table: Table) -> list[dict[str, Any]]:
    """Return what is known of each meter; a description may have been written by anybody."""
    stated = (table.description or {}).get("meter")
    unknown = {"update_period_s": None, "gain_error": None, "detail": "", "warnings": []}
    needed = {"id", "component", "kind", "scope"}
    return [
        {**unknown, **meter, "source": meter["id"]} | {n: str(meter[n]) for n in ("kind", "scope")}
        for meter in (stated if isinstance(stated, list) else [])
        if isinstance(meter, dict) and needed <= meter.keys()
    ]


def component_kinds(table: Table) -> dict[str, str]:
    """Return how the joules of each component became known, of which the meter tells one kind."""
    stated: dict[str, set[str]] = {}
    for meter in meters(table):
        if meter["kind"] != "unavailable":
            stated.setdefault(str(meter["component"]), set()).add(meter["kind"])
    return {name: "+".join(sorted(kinds)) for name, kinds in stated.items()}


def work(table: Table) -> WorkersReport | None:
    """Return how busy the workers of a comparison were; None where the table does not tell."""
    return read_fact(WorkersReport, (table.description or {}).get("work"))


def settings(
    table: Table, analysis: Analysis, *, compared: bool = True
) -> dict[str, Mapping[str, Any]]:
    """Return what a table was made with, by subject; a target only where there is a comparison."""
    target = {f"target {analysis.metric.name}": analysis.target} if compared else {}
    experiment = dict(part(table, "experiment"))
    experiment.pop("budget_j", None)  # it stands at the top of the page
    stated_space = experiment.pop("space", None)
    space = part(table, "space") or (stated_space if isinstance(stated_space, dict) else {})
    subjects = {
        "Table": {
            "name": table.name,
            "version of its columns": VERSION,
            "compared by": ", ".join(table.by) or "nothing: all trials together",
            **target,
            "analysed by": f"perjoule {analysis.perjoule}, schema {analysis.schema}",
        },
        "Experiment": {name: fact for name, fact in experiment.items() if fact is not None},
        "Data": {n: fact for n, fact in part(table, "data").items() if n != "normalisation"},
        "Search space": {name: _range(axis) for name, axis in space.items()},
        **_machines(table),
        "Versions": part(table, "versions"),
    }
    return {subject: facts for subject, facts in subjects.items() if facts}


def _machines(table: Table) -> dict[str, Mapping[str, Any]]:
    """What is known of the machine, or of each of several, and of what trained there."""
    stated = (table.description or {}).get("machines")
    several = stated if isinstance(stated, list) else []
    facts = [read_fact(MachineFacts, each) for each in several]
    told = {
        each.name: "; ".join(
            (f"{each.cpu}, {counted(each.cores, 'core')}", each.platform, each.device, each.meter)
        )
        for each in facts
        if each is not None
    }
    runtime = part(table, "runtime")
    if len(told) < 2:
        return {"Machine": {**part(table, "machine"), **runtime}}
    return {"Machines": told, f"Runtime on {next(iter(told))}": runtime}


def part(table: Table, name: str) -> Mapping[str, Any]:
    """Return a part of a table's description; empty where it has none."""
    found = (table.description or {}).get(name)
    return found if isinstance(found, dict) else {}


def _range(axis: object) -> str:
    """Return one axis of the search space, such as ``"0.0001 to 0.3, logarithmic"``."""
    if not isinstance(axis, dict):
        return f"{format_value(axis)}, fixed"
    if isinstance(axis.get("when"), dict):
        rest = {key: value for key, value in axis.items() if key != "when"}
        return f"{_range(rest.get('value', rest))}, where {in_words(axis['when'])}"
    if "low" not in axis:
        return format_value(axis.get("choices", axis))
    text = f"{format_value(axis['low'])} to {format_value(axis.get('high'))}"
    return f"{text}, logarithmic" if axis.get("log") else text
