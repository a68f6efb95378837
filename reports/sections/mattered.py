"""What mattered: which hyperparameters decide the score, and which the joules."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ...benchmarks.analysis import naming
from ...benchmarks.statistics.ablation import Ablation, ablate
from ...benchmarks.statistics.candidates import EPOCHS
from ...benchmarks.statistics.importance import Importance, Landscape, Share
from ...benchmarks.tables.table import counted
from ...models.outcome import State
from ..figures.ablation import ablation_chart
from ..figures.importance import COMBINED, importance_chart, ranked
from ..format import (
    UNAVAILABLE,
    format_difference,
    format_energy,
    format_percent,
    format_score,
    format_value,
)
from ..tables import Cell, Grid, Row
from .section import Section, Subject

if TYPE_CHECKING:
    from ...benchmarks.statistics.ablation import Forecast, Stop
    from ...models.metric import Metric

_TOLD = 0.05
"""A share from which on a hyperparameter is told in a sentence, and not only in the table."""
_MOST_TOLD = 3
UNCLEAR = "no more than chance"


def mattered_section(subject: Subject) -> Section | None:
    """Show what explains score and joules, and the way from the centre of the space to the best."""
    landscape = Landscape.of(subject.table, len(subject.analysis.groups))
    if landscape is None:
        return None
    metric, found = subject.facts.metric, landscape.candidates
    told = any(each.shares for each in (landscape.score_importance, landscape.energy_importance))
    if not told and len(found.params) < 2:
        return None
    way = ablate(landscape)
    charts = [importance_chart(landscape, subject.drawing)] if told else []
    if way is not None and len(way.stops) > 1:
        charts.append(ablation_chart(way, subject.drawing))
    return Section(
        f"mattered-{subject.number}-section",
        "What mattered",
        charts=charts,
        template="mattered",
        content={
            "findings": [importance_sentences(landscape), ablation_sentences(way, metric)],
            "notes": [*_notes(landscape, subject), *_centre(way)],
            "importance": importance_grid(landscape) if told else None,
            "ablation": None if way is None else ablation_grid(way, metric),
        },
    )


def importance_sentences(landscape: Landscape) -> list[str]:
    """Say what explains the score and the joules, and what nothing can be told of."""
    name = landscape.candidates.metric.name
    sides = {name: landscape.score_importance, "the joules": landscape.energy_importance}
    sentences = [_explains(what, found) for what, found in sides.items()]
    known = [found for found in sides.values() if found.shares]
    if known:
        combined = [
            f"{format_percent(found.combined, 0)} of that of {what}"
            for what, found in sides.items()
            if found.shares
        ]
        sentences.append(f"Only combinations explain {' and '.join(combined)}.")
        clear = {share.name for found in known for share in found.shares if share.clear}
        unclear = [n for n in landscape.candidates.names if n not in clear]
        if unclear:
            explain = "explains" if len(unclear) == 1 else "explain"
            which = "either" if len(known) > 1 else "it"
            sentences.append(
                f"{naming.listed(unclear)} alone {explain} no more of {which} than random "
                "numbers do."
            )
    best = [share for share in landscape.best_tenth if share.clear][:_MOST_TOLD]
    if best:
        shares = [f"{each.name} ({format_percent(each.value, 0)})" for each in best]
        sentences.append(
            f"The best tenth of the candidates is set apart by {naming.listed(shares)}."
        )
    return sentences


def _explains(what: str, found: Importance) -> str:
    if not found.shares:
        return f"What matters for {what} cannot be told: {found.reason}."
    told = [share for share in found.shares if share.clear and share.value >= _TOLD]
    if not told:
        least = format_percent(_TOLD, 0)
        return f"No hyperparameter alone explains {least} of the variation of {what}."
    first, *others = told[:_MOST_TOLD]
    shares = [f"{first.name} alone explains {_interval(first)}"]
    shares += [f"{share.name} {_interval(share)}" for share in others]
    return f"Of the variation of {what}, {naming.listed(shares)}."


def _interval(share: Share) -> str:
    low, high = (format_percent(each, 0).removesuffix(" %") for each in (share.low, share.high))
    return f"{format_percent(share.value, 0)} [{low}, {high}]"


def ablation_sentences(found: Ablation | None, metric: Metric) -> list[str]:
    """Say what the way from the centre of the space to the best candidate gains and costs."""
    if found is None or len(found.stops) < 2:
        return []
    start, *steps = found.stops
    end = steps[-1]
    sentences = [
        f"At the centre of the space a forest forecasts {_score(start, metric)}"
        f"{_for(start)}; at the best candidate {_score(end, metric)}{_for(end)}"
        f"{_recorded(end, metric)}."
    ]
    clear = [each for each in steps if each.gain is not None and each.gain.low > 0]
    if clear:
        most = max(clear, key=lambda each: each.gain.value if each.gain else 0.0)
        sentences.append(f"On the way {most.name} gains most: {_gain(most.gain, metric)}.")
    else:
        sentences.append("No change on the way gains more than the trees disagree by.")
    paying = [each for each in steps if each.factor is not None and each.factor.low > 1]
    if paying:
        most = max(paying, key=lambda each: each.factor.value if each.factor else 0.0)
        sentences.append(f"{most.name} multiplies the joules most: by {_times(most.factor)}.")
    missed = f"Forecasts of candidates not seen miss by {_points(found.score_error, metric)}"
    if found.energy_error is not None:
        missed += f" (mean) and {format_percent(found.energy_error, 0)} of the joules (median)"
    return [*sentences, f"{missed}."]


def _score(stop: Stop, metric: Metric) -> str:
    return format_score(stop.score.value, metric)


def _for(stop: Stop) -> str:
    return "" if stop.energy_j is None else f" for {format_energy(stop.energy_j.value)}"


def _recorded(stop: Stop, metric: Metric) -> str:
    if stop.recorded_score is None:
        return ""
    joules = "" if stop.recorded_j is None else f" for {format_energy(stop.recorded_j)}"
    return f", where {format_score(stop.recorded_score, metric)}{joules} was recorded"


def _points(value: float, metric: Metric) -> str:
    text = format_difference(value, metric)
    return text if metric.is_share else f"{text} of {metric.name}"


def _gain(found: Forecast | None, metric: Metric) -> str:
    if found is None:
        return UNAVAILABLE
    scale = 100 if metric.is_share else 1
    return f"{_points(found.value, metric)} [{scale * found.low:.3g}, {scale * found.high:.3g}]"


def _times(found: Forecast | None) -> str:
    if found is None:
        return UNAVAILABLE
    return f"{found.value:.2g} [{found.low:.2g}, {found.high:.2g}]"


def _notes(landscape: Landscape, subject: Subject) -> list[str]:
    """Say what was looked at, and what was left out."""
    found, trials = landscape.candidates, subject.trials
    notes = [
        f"Looked at: {counted(len(found.params), 'different candidate')} of "
        f"{counted(found.looked_at, 'trial')} with a result. Strategies search where they expect "
        "the best, not evenly: elsewhere in the space the forest knows less."
    ]
    notes.append(
        "Joules are those of a trial without its search, on their logarithm. What sets the best "
        "tenth of the candidates apart is told by Optuna's PED-ANOVA, as shares of all that does."
    )
    if found.with_search:
        notes.append(
            f"The joules of {found.with_search:,} of {counted(found.looked_at, 'trial')} do not "
            "tell what their search cost apart: it is in them."
        )
    if found.looked_at < found.trials:
        notes.append(f"A seeded sample: there are {found.trials:,} trials with a result.")
    if EPOCHS in found.names and found.stopped:
        notes.append(
            f"{counted(found.stopped, 'trial')} ended early. Epochs trained are a column of their "
            "own, so that what a short training lacks is not taken for the effect of the other "
            "hyperparameters; who was stopped was chosen by the score, which the share of epochs "
            "contains."
        )
    failed = int((trials["state"] == State.FAILED).sum())
    if failed:
        notes.append(f"{counted(failed, 'failed trial')} have no score, and are left out.")
    if found.outside:
        notes.append(
            f"{counted(found.outside, 'trial')} left out: without a whole epoch, or with values "
            "outside the space."
        )
    if found.other_kinds:
        notes.append(
            f"Joules of {counted(found.other_kinds, 'trial')} are of another kind than most, and "
            "left out."
        )
    return notes


def _centre(found: Ablation | None) -> list[str]:
    if found is None:
        return []
    values = [f"{n} {format_value(v)}" for n, v in found.start.items() if v is not None]
    return [
        f"The centre of the space is the middle of every range, on its scale, and of every list of "
        f"choices: {', '.join(values)}."
    ]


def importance_grid(landscape: Landscape) -> Grid:
    """Return what each hyperparameter explains, and what sets the best tenth apart."""
    name = landscape.candidates.metric.name
    sides = {
        f"explains of {name}": landscape.score_importance,
        "explains of the joules": landscape.energy_importance,
    }
    sides = {head: found for head, found in sides.items() if found.shares}
    tenth = {share.name: share for share in landscape.best_tenth}
    heads = ["hyperparameter", *sides, *(["sets the best tenth apart"] if tenth else [])]
    rows = []
    for each in ranked(landscape):
        cells = [_share_cell(found.of(each)) for found in sides.values()]
        rows.append(Row(each, [*cells, *([_share_cell(tenth.get(each))] if tenth else [])]))
    combined = [Cell(format_percent(found.combined, 0)) for found in sides.values()]
    chance = [Cell(format_percent(found.chance, 1)) for found in sides.values()]
    none = [Cell("")] if tenth else []
    rows.append(Row(COMBINED, [*combined, *none], beneath="of several hyperparameters"))
    rows.append(Row("random numbers", [*chance, *none], beneath="at most, in 95 % of trees"))
    return Grid(heads, rows)


def _share_cell(share: Share | None) -> Cell:
    if share is None:
        return Cell(UNAVAILABLE, mark="none")
    beneath = ""
    if share.low == share.low:
        low, high = (format_percent(each, 0) for each in (share.low, share.high))
        beneath = f"{low.removesuffix(' %')} to {high}"
    if not share.clear:
        beneath = UNCLEAR
    return Cell(format_percent(share.value, 0), beneath, "" if share.clear else "none")


def ablation_grid(found: Ablation, metric: Metric) -> Grid:
    """Return the way from the centre of the space to the best candidate, step by step."""
    heads = ["change", f"{metric.name}, forecast", "gained"]
    has_joules = found.stops[0].energy_j is not None
    heads += ["joules, forecast", "times those before"] if has_joules else []
    heads += ["recorded"]
    show = partial(format_score, metric=metric)
    rows = []
    for stop in found.stops:
        cells = [_forecast_cell(stop.score, show)]
        cells.append(
            Cell("" if stop.gain is None else format_difference(stop.gain.value, metric, "+"))
        )
        if stop.energy_j is not None:
            cells.append(_forecast_cell(stop.energy_j, format_energy))
            cells.append(Cell("" if stop.factor is None else f"{stop.factor.value:.2f}"))
        cells.append(_recorded_cell(stop, metric))
        name = "centre of the space" if stop.name is None else stop.name
        rows.append(Row(name, cells, beneath="" if stop.name is None else _change(stop)))
    return Grid(heads, rows)


def _change(stop: Stop) -> str:
    return f"{format_value(stop.before)} → {format_value(stop.value)}"


def _forecast_cell(found: Forecast, show: Callable[[object], str]) -> Cell:
    return Cell(show(found.value), f"{show(found.low)} to {show(found.high)}")


def _recorded_cell(stop: Stop, metric: Metric) -> Cell:
    if stop.recorded_score is None:
        return Cell(UNAVAILABLE, mark="none")
    joules = "" if stop.recorded_j is None else f"{format_energy(stop.recorded_j)}, "
    return Cell(
        format_score(stop.recorded_score, metric), f"{joules}{counted(stop.repeats, 'trial')}"
    )
