"""Sections about targets and floors as they stand before anybody moves a slider."""

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from perjoule import load_table
from perjoule.benchmarks.analysis.analysing import analyse
from perjoule.benchmarks.analysis.floors import Floors
from perjoule.benchmarks.analysis.standings import standings
from perjoule.models.metric import METRICS
from perjoule.reports.figures.chart import Drawing
from perjoule.reports.figures.ecdf import ecdf_chart
from perjoule.reports.figures.palette import look_of
from perjoule.reports.figures.per_joule import per_joule_chart
from perjoule.reports.figures.reaching import Reaching
from perjoule.reports.figures.survival import survival_chart
from perjoule.reports.page import render
from perjoule.reports.sections.anytime import anytime_section
from perjoule.reports.sections.per_joule import per_joule_section
from perjoule.reports.sections.section import Subject
from perjoule.reports.sections.targets import MOST_STOPS, score_stops, targets_section

GRID = {"g_per_kwh": 100.0, "place": "somewhere", "year": 2024, "source": "by hand"}


def table_of(runs, metric=None, **columns):
    """A table of runs, each a strategy and its trials as (energy_j, score)."""
    rows = [
        {"strategy": name, "seed": seed, "energy_j": j, "score": s, "energy_kind": "modelled"}
        for seed, (name, trials) in enumerate(runs)
        for j, s in trials
    ]
    table = load_table(pd.DataFrame(rows).assign(**columns))
    description = {"metric": metric.to_dict()} if metric else {}
    return dataclasses.replace(table, description=description)


RUNS = [
    ("a", [(1.0, 0.5), (2.0, 0.9)]),
    ("a", [(2.0, 0.6), (2.0, 0.7)]),
    ("b", [(4.0, 0.95), (4.0, 0.6)]),
    ("b", [(1.0, 0.3), (9.0, 0.94)]),
]


def subject_of(table, target="0.9"):
    analysis = analyse(table, target)
    [facts] = analysis.groups
    names = list(facts.strategies)
    drawing = Drawing(look_of(names), names, facts.metric)
    return Subject(0, table, facts, analysis, drawing)


def trace(chart, name, mode="lines"):
    return next(each for each in chart.figure.data if (each.legendgroup, each.mode) == (name, mode))


@pytest.mark.parametrize("metric", [None, METRICS["rmse"]])
def test_at_first_strategies_stand_as_in_the_analysis(metric):
    table = table_of(RUNS, metric)
    subject = subject_of(table)
    facts = subject.facts
    reaching = Reaching.of(table, facts)
    found = standings(
        reaching.curves, reaching.target, reaching.common_j, reaching.common_j, table.metric
    )
    for name, own in facts.strategies.items():
        assert found[name].hits == own.energy_to_target.hits
        assert found[name].ert_j == own.energy_to_target.ert_j
        level = found[name].level
        assert own.level == (None if level is None else table.metric.oriented(level))
    fewest = min(found.values(), key=lambda own: own.ert_j)
    assert fewest.ratio == 1.0


def test_a_smaller_budget_stops_every_run():
    table = table_of(RUNS)
    reaching = Reaching.of(table, subject_of(table).facts)
    found = standings(reaching.curves, 0.9, 2.5, reaching.common_j, table.metric)
    assert (found["a"].hits, found["a"].ert_j, found["a"].level) == (0, math.inf, 0.55)
    found = standings(reaching.curves, 0.5, 2.5, reaching.common_j, table.metric)
    assert (found["a"].hits, found["a"].ert_j) == (2, 1.5)
    assert (found["b"].hits, found["b"].ert_j, found["b"].rank) == (0, math.inf, 2)
    assert found["b"].level == pytest.approx(0.15), "a run without a result counts as 0"


def test_survival_steps_down_at_hits_and_ticks_where_a_run_ends():
    subject = subject_of(table_of(RUNS))
    chart = survival_chart(Reaching.of(subject.table, subject.facts), subject.drawing)
    line, ticks = trace(chart, "a"), trace(chart, "a", "markers")
    assert (list(line.x), list(line.y)) == ([1.0, 3.0, 4.0], [1.0, 0.5, 0.5])
    assert (list(ticks.x), list(ticks.y)) == ([4.0], [0.5])
    assert line.line.shape == "hv"
    assert "energy of the run (J, modelled)" in chart.figure.layout.xaxis.title.text


def test_the_distribution_ends_at_what_is_never_reached():
    subject = subject_of(table_of(RUNS))
    chart = ecdf_chart(Reaching.of(subject.table, subject.facts), subject.drawing)
    line = trace(chart, "b")
    assert list(line.x)[-1] == 10.0
    assert 0.9 < line.y[-1] < 1.0
    assert np.all(np.diff(line.y) >= 0)


def test_unknown_joules_have_no_line_and_say_so():
    lost = [*RUNS, ("c", [(1.0, 0.5), (math.nan, 0.9)]), ("c", [(1.0, 0.95)])]
    subject = subject_of(table_of(lost))
    reaching = Reaching.of(subject.table, subject.facts)
    for make in (survival_chart, ecdf_chart):
        chart = make(reaching, subject.drawing)
        assert len(trace(chart, "c").x) == 0
        assert "joules of its runs are not known: c." in chart.notes[0]
    row = next(r for r in targets_section(subject).content["standings"] if r["name"] == "c")
    assert math.isnan(row["joules"])


def test_the_most_per_joule_falls_with_the_floor_and_runs_are_marked():
    table = table_of(RUNS)
    subject = subject_of(table)
    chart = per_joule_chart(Floors.of(table), table.trials, subject.drawing, 0.9)
    line, runs = trace(chart, "a"), trace(chart, "a", "markers")
    assert list(line.y)[1:] == [0.5, 0.45]
    assert 1 - np.asarray(line.x)[1:] == pytest.approx([0.5, 0.9])
    assert list(runs.y) == pytest.approx([0.9 / 3, 0.7 / 4])
    section = per_joule_section(subject)
    assert "50.0 % for 1.00 J" in section.lead
    assert section.content["rows"][0] == {
        "name": "a", "place": 0, "trial": 0.45, "run": pytest.approx(0.3), "above": 1, "runs": 2
    }  # fmt: skip
    assert per_joule_section(subject_of(table_of(RUNS, METRICS["rmse"]))) is None


def test_curves_are_set_against_what_is_known_to_be_spent():
    plain = anytime_section(subject_of(table_of(RUNS)))
    assert (len(plain.charts), plain.switch) == (1, ())
    timed = table_of(RUNS, duration_s=10.0)
    timed = dataclasses.replace(timed, description={"carbon": GRID})
    section = anytime_section(subject_of(timed))
    assert section.switch == ["joules", "seconds", "gCO2e"]
    lines = [trace(chart, "b").x[-1] for chart in section.charts]
    assert lines == pytest.approx([10.0, 20.0, 10.0 / 3.6e6 * 100.0])
    titles = [chart.figure.layout.xaxis.title.text for chart in section.charts]
    assert titles[1:] == [
        "wall time of the trials of the run (s)",
        "CO2 equivalents of the run (g, of modelled joules)",
    ]
    assert "Trials that ran side by side count one after the other" in section.charts[1].lead


def test_a_slider_stops_at_distinct_scores_and_where_it_stands():
    assert score_stops(np.array([0.5, 0.25, 0.5, math.nan, -math.inf]), 0.3) == [0.25, 0.3, 0.5]
    stops = score_stops(np.linspace(0, 1, 10_000), 0.123456789)
    assert len(stops) == MOST_STOPS + 1
    assert (stops[0], stops[-1]) == (0.0, 1.0)
    assert 0.123456789 in stops


def test_what_was_never_scored_has_no_sliders():
    table = table_of([("a", [(1.0, math.nan), (2.0, math.nan)])])
    page = render(table, analyse(table))
    assert 'type="range"' not in page
