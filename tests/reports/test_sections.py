"""Sections of the page as their readers see them: joules, statistics, trust, what to copy."""

import dataclasses
import json

import numpy as np
import pytest

from perjoule.reports.figures.components import components_chart
from perjoule.reports.figures.waterfall import waterfall_charts
from perjoule.reports.format import format_energy

from .test_page import DESCRIPTION, METER, analysed, comparison, names, page_of, study

EVIL = "</pre><script>alert(1)</script>"


def figure(page, name):
    return page.figures[names(page).index(name)]


@pytest.fixture(scope="module")
def stopped():
    """A comparison in which trials ended in every way; those of one strategy failed in part."""
    table = comparison(unplaced_j=0.25)
    trials = table.trials.copy()
    trials["energy_validate_j"] = trials["energy_search_j"] = 0.01
    trials["energy_setup_j"] = trials["energy_j"] - 0.52
    trials["energy_train_j"] = 0.5
    trials["cpu_j"] = trials["energy_j"]
    states = np.array(["complete", "pruned", "truncated", "failed", "failed", "complete"])
    trials["state"] = states[np.arange(len(trials)) % 6]
    failed = trials["state"] == "failed"
    trials.loc[failed, "message"] = f"out of memory {EVIL}"
    trials.loc[trials.index[3], "message"] = "no such layer\nTraceback"
    trials.loc[trials.index[0], ["state", "energy_kind"]] = ["interrupted", "lower bound"]
    cpu = {**METER, "id": "cpu_time", "component": "cpu", "kind": "modelled", "gain_error": 0.4}
    experiment = {"dataset": "digits", "budget_j": 400.0, "strategies": ["a'b"], "seeds": 2}
    description = {**DESCRIPTION, "meter": [cpu], "experiment": experiment}
    return dataclasses.replace(table, trials=trials, description=description, name=EVIL)


@pytest.fixture(scope="module")
def page(stopped):
    return page_of(stopped)


@pytest.fixture(scope="module")
def grouped():
    return study(groups=["x", "y"], trials=2)


@pytest.fixture(scope="module")
def of_groups(grouped):
    return page_of(grouped)


def test_the_waterfall_ends_at_the_joules_of_all_runs(stopped, page):
    bars = [each for each in figure(page, "waterfall-0")["data"] if each["y"] != [None]]
    labels = [bar["y"][0] for bar in bars]
    joules = {bar["y"][0]: bar["x"][0] for bar in bars}
    total = labels.index("all runs")
    runs_j = stopped.trials["energy_j"].sum() + stopped.runs["unplaced_j"].sum()
    assert joules["all runs"] == pytest.approx(runs_j)
    assert sum(joules[label] for label in labels[:total]) == pytest.approx(runs_j)
    assert bars[total - 1]["base"] + joules[labels[total - 1]] == pytest.approx(runs_j)
    assert {"pruned trials", "truncated trials", "failed trials", "lost trials, at least"} < {
        *labels[:total]
    }
    assert joules["asks without a trial"] == pytest.approx(0.25 * len(stopped.runs))
    assert labels[total + 1 :] == ["starting the workers"], "told apart, and in no sum"
    assert joules["starting the workers"] == 31.0


def test_measured_bars_are_solid_and_modelled_ones_hatched(stopped):
    shapes = {}
    for kind in ("measured", "modelled"):
        chart = components_chart(stopped.trials.assign(energy_kind=kind), 0, {})
        shapes[kind] = {each.marker.pattern.shape for each in chart.figure.data}
        assert {each.name for each in chart.figure.data} == {kind}
    assert shapes["measured"] == {""}
    assert shapes["modelled"] == {"/"}


def test_kinds_have_waterfalls_of_their_own(stopped):
    kinds = np.where(stopped.trials["strategy"] == "gp", "measured", "modelled")
    found = waterfall_charts(stopped.trials.assign(energy_kind=kinds), 0, 1.5, {})
    assert set(found) == {"measured", "modelled"}
    for kind, chart in found.items():
        [joules] = [bar.x[0] for bar in chart.figure.data if bar.y[0] == "all runs"]
        own_j = stopped.trials["energy_j"][kinds == kind].sum()
        assert joules == pytest.approx(own_j)
        assert "In no bar: 1.50 J of asks without a trial." in chart.notes


def test_unknown_joules_are_in_no_bar(stopped):
    trials = stopped.trials.copy()
    trials.loc[trials.index[1:3], "energy_j"] = np.nan
    [chart] = waterfall_charts(trials, 0, None, {"waiting": None}).values()
    assert "In no bar, since their joules are not known: 2 of 96 trials." in chart.notes
    assert "What asks without a trial took is not known, and in no bar." in chart.notes
    assert "Charged to no run, and not known: waiting." in chart.notes


def test_failures_are_told_with_their_reasons(stopped, page):
    failed = int((stopped.trials["state"] == "failed").sum())
    assert f"failed trials {failed} of 96; {failed - 1} of them: out of memory" in page.told
    assert f"Of 96 trials, {failed} failed and 1 interrupted or lost." in page.told
    assert "no such layer failed 1" in page.told, "a reason is its first line"
    assert "What failed, and why" not in page_of(comparison()).told


def test_each_component_has_its_bound_or_an_unknown_one(stopped, page):
    told = page.told
    modelled = stopped.trials[stopped.trials["energy_kind"] == "modelled"]
    assert f"± {format_energy(0.4 * modelled['cpu_j'].sum())} ± 40 % modelled" in told
    assert "unknown lower bound" in told
    assert "Not covered: graphics cards and memory" in told


def test_statistics_come_first_in_a_table_that_fits_and_then_in_words(page):
    first, more = page.told.index("joules of a run"), page.told.index("hypervolume")
    assert first < page.told.index("More of each strategy") < more
    assert "Who cannot be told apart?" not in page.told, "four runs are too few to say it"
    assert "standing-0" in names(page)


def test_the_command_and_the_verdict_stand_ready_to_copy(stopped, page):
    command = (
        "perjoule compare --dataset digits --strategies 'a'\"'\"'b' --budget '400 J' --seeds 2"
    )
    assert command in page.told
    assert "budget: 400 J seeds: 2" in page.told
    headline = analysed(stopped).headline
    assert page.told.count(headline) == 2, "at the top, and to copy"
    assert not [a for a in page.with_tag("script") if "alert" in str(a)]


def test_the_page_holds_its_own_analysis_for_a_second_one(grouped, of_groups):
    [own] = [json.loads(text) for at, text in of_groups.scripts if at.get("id") == "page-analysis"]
    told = analysed(grouped).to_dict()
    assert own["schema"] == told["schema"]
    assert [group["strategies"] for group in own["groups"]] == [
        group["strategies"] for group in told["groups"]
    ]
    assert "Before and after" in of_groups.told


def test_contents_lead_to_every_section(page, of_groups):
    for each in (page, of_groups):
        links = [a["href"][1:] for a in each.with_tag("a")]
        ids = {a.get("id"): tag for tag, a in each.elements}
        assert links[0] == "main"
        assert {ids[link] for link in links[1:]} <= {"section", "div"}
        assert {"trust", "report-this", "words"} <= set(links)
