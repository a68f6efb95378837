"""The sliders of the page: what they work out there is what the analysis says."""

import dataclasses
import json
import math

import numpy as np
import pandas as pd
import pytest

from perjoule import load_table
from perjoule.benchmarks.analysis.analysing import analyse
from perjoule.benchmarks.analysis.criteria import compare_by_criteria
from perjoule.benchmarks.analysis.floors import Floors
from perjoule.benchmarks.analysis.standings import standings
from perjoule.benchmarks.analysis.timeline import timeline
from perjoule.benchmarks.statistics.survival import survival_curve, target_ecdf
from perjoule.models.metric import METRICS, Metric
from perjoule.plain import printable
from perjoule.reports.page import render

NEAR = {"rel": 1e-9, "abs": 1e-12, "nan_ok": True}


def searches(seed=0, unknown=False, metric=None, strategies=4, name="s"):
    """Searches of several runs of different length, with ties, failures and censored runs."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "strategy": f"{name}{place}",
            "seed": run,
            "trial": trial,
            "score": round(1 - 10 ** -(0.3 + 0.2 * place + rng.exponential(0.3)), 2),
            "energy_j": float(rng.integers(1, 9)) * (1 + place / 3),
            "energy_kind": "modelled",
            "state": "failed" if rng.uniform() < 0.1 else "complete",
        }
        for place in range(strategies)
        for run in range(4 + place)
        for trial in range(int(rng.integers(3, 9)))
    ]
    frame = pd.DataFrame(rows)
    if unknown:  # s0: one gap in the middle of a run; s1: no run is known from its start
        gaps = (frame["strategy"] == f"{name}0") & (frame["seed"] == 1) & (frame["trial"] == 1)
        frame.loc[gaps | (frame["strategy"] == f"{name}1"), "energy_j"] = math.nan
    table = load_table(frame)
    if metric is None:
        return table
    trials = table.trials.assign(score=3 * (1 - table.trials["score"]))
    return dataclasses.replace(table, trials=trials, description={"metric": metric.to_dict()})


def number(text):
    return None if text == "" else float(text)


def rows_of(page, section):
    """What the table of a section holds, by strategy, in its order."""
    found = page.eval_on_selector_all(
        f"#{section} tr[data-strategy]",
        """rows => rows.map(row => [Number(row.dataset.strategy), Object.fromEntries(
            [...row.querySelectorAll("[data-field]")]
                .map(cell => [cell.dataset.field, cell.dataset.value]))])""",
    )
    names = json.loads(page.text_content(f"#{section}-steps"))["strategies"]
    names = [each["name"] if isinstance(each, dict) else each for each in names]
    return {names[at]: {key: number(text) for key, text in own.items()} for at, own in found}


def move(page, slider, place):
    page.eval_on_selector(
        f"#{slider}",
        """(input, place) => {
            input.value = place;
            input.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        place,
    )


def traces(page, chart):
    """The lines of a figure as they are drawn."""
    return page.evaluate(
        """(chart) => {
            perjoule.drawAll();
            const { data } = perjoule.drawn.get(document.getElementById(chart));
            return Object.fromEntries(data.filter((each) => each.meta)
                .map((each) => [`${each.meta.strategy} ${each.meta.part}`,
                    [[...each.x], [...each.y]]]));
        }""",
        chart,
    )


def check_standings(page, curves, target, budget_j, common_j, metric):
    """The table and the winners of the page against the analysis of runs stopped there."""
    expected = standings(curves, target, budget_j, common_j, metric)
    found = rows_of(page, "targets-0-section")
    assert set(found) == set(expected)
    for name, own in expected.items():
        row = found[name]
        assert (row["rank"], row["hits"]) == (own.rank, own.hits), name
        level = None if own.level is None else metric.oriented(own.level)
        assert row["level"] == (level if level is None else pytest.approx(level, **NEAR))
        assert row["joules"] == pytest.approx(own.ert_j, **NEAR)
        assert row["ratio"] == pytest.approx(own.ratio, **NEAR)
    within = curves.stopped_at(budget_j) if budget_j < common_j else curves
    reached = within.energy_to_target(target)
    criteria = compare_by_criteria(within, budget_j, reached, target, metric)
    for which, criterion in (("best", criteria.at_end), ("cheapest", criteria.energy_to_target)):
        told = page.text_content(f'[data-finding="{which}"] [data-field="winner"]')
        assert told == printable(criterion.winner or "none"), which
    return within, reached


def check_lines(page, within, reached, data, end_j):
    """The survival curves and the distribution functions of the page."""
    survival, pairs = traces(page, "survival-0"), None
    page.locator("#targets-0-section [data-switch] label").nth(1).click()
    pairs = traces(page, "ecdf-0")
    page.locator("#targets-0-section [data-switch] label").nth(0).click()
    improvements = within.improvements()
    for name, own in reached.groupby("strategy"):
        if own["energy_j"].isna().any():
            assert survival[f"{name} line"] == [[], []]
        else:
            curve = survival_curve(own["energy_j"], own["hit"])
            x, y = survival[f"{name} line"]
            assert x[1:] == pytest.approx(curve["energy_j"].tolist(), **NEAR)
            assert y[1:] == pytest.approx(curve["share"].tolist(), **NEAR)
            ticks = curve[curve["censored"] > 0]
            assert survival[f"{name} censored"][0] == pytest.approx(ticks["energy_j"].tolist())
        steps = improvements[improvements["strategy"] == name]
        if steps["energy_j"].isna().any():
            assert pairs[f"{name} line"] == [[], []]
        else:
            curve = target_ecdf(steps, len(own), data["grid"])
            x, y = pairs[f"{name} line"]
            assert x[1:-1] == pytest.approx(curve["energy_j"].tolist(), **NEAR)
            assert y[1:-1] == pytest.approx(curve["share"].tolist(), **NEAR)
            assert x[-1] == pytest.approx(end_j)


@pytest.mark.parametrize(
    "table",
    [
        searches(),
        searches(3, unknown=True, metric=METRICS["rmse"]),
        searches(4, strategies=1),
        searches(5, unknown=True, metric=Metric("reward"), name="<b>two\r\nlines\u202e\x07"),
    ],
    ids=["accuracy", "unknown joules of rmse", "one strategy", "names of any letters"],
)
def test_sliders_work_out_what_the_analysis_says(table, open_page):
    analysis = analyse(table)
    opened = open_page(render(table, analysis))
    page, [facts], metric = opened.page, analysis.groups, table.metric
    data = json.loads(page.text_content("#targets-0-section-steps"))
    curves, common_j = timeline(table), facts.common_j
    first = metric.oriented(facts.target.score)
    check_standings(page, curves, first, common_j, common_j, metric)
    for name, own in rows_of(page, "targets-0-section").items():
        found = facts.strategies[name]
        assert own["hits"] == found.energy_to_target.hits
        assert own["level"] == (None if found.level is None else pytest.approx(found.level))
        ert_j = found.energy_to_target.ert_j
        assert (own["joules"] if math.isfinite(own["joules"]) else None) == ert_j
    last = len(data["budgets"]) - 1
    for at in (0, 2 * len(data["targets"]) // 3, len(data["targets"]) - 1):
        for budget in (0, last // 2, last):
            move(page, "targets-0-section-target", at)
            move(page, "targets-0-section-budget", budget)
            stops = budget < last
            asked = data["targets"][at], data["budgets"][budget], common_j
            within, reached = check_standings(page, curves, *asked, metric)
            if 0 < at < len(data["targets"]) - 1 and budget:
                check_lines(page, within, reached, data, asked[1] if stops else data["end_j"])
    page.click("#targets-0-section [data-reset]")
    check_standings(page, curves, first, common_j, common_j, metric)
    assert not opened.errors


def test_the_floor_leaves_what_reaches_it(open_page):
    table = searches(1, unknown=True)
    analysis = analyse(table)
    opened = open_page(render(table, analysis))
    page, floors = opened.page, Floors.of(table)
    data = json.loads(page.text_content("#per-joule-0-section-steps"))
    told = {name: own.score_per_joule for name, own in analysis.groups[0].strategies.items()}
    trial = {name: own["trial"] for name, own in rows_of(page, "per-joule-0-section").items()}
    assert trial == {name: own.trial for name, own in told.items()}
    for place in (0, len(data["floors"]) // 2, len(data["floors"]) - 1):
        move(page, "per-joule-0-section-floor", place)
        found = rows_of(page, "per-joule-0-section")
        expected = floors.at(data["floors"][place])
        for name, own in expected.items():
            row = found[name]
            assert row["above"] == own.above
            assert row["trial"] == (own.trial and pytest.approx(own.trial, **NEAR))
            assert row["run"] == (own.run and pytest.approx(own.run, **NEAR))
            if place == 0:
                assert (own.run is None) == (told[name].run is None)
                assert own.run is None or own.run == pytest.approx(told[name].run.median)
    assert not opened.errors


def test_sliders_answer_the_keyboard_and_say_where_they_stand(open_page):
    table = searches()
    page = open_page(render(table, analyse(table)), drawn=False).page
    slider = page.get_by_label("Target accuracy")
    slider.focus()
    page.keyboard.press("Home")
    output = page.locator('output[for="targets-0-section-target"]')
    lowest = output.text_content()
    page.keyboard.press("ArrowRight")
    assert output.text_content() != lowest
    page.wait_for_selector("#survival-0 .main-svg")
    assert slider.get_attribute("aria-valuetext") == output.text_content()
    assert output.get_attribute("aria-live") == "polite"
    assert output.text_content() in page.text_content("#targets-0-section thead")
