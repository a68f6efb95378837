"""The trials in a browser: found, sorted, selected in one place and seen in all, handed out."""

import csv
import re

import numpy as np
import pandas as pd
import pytest

from perjoule import load_table
from perjoule.benchmarks.performance.page import interactive, make_table, opening
from perjoule.reports.figures.chart import Drawing
from perjoule.reports.figures.palette import look_of
from perjoule.reports.figures.pareto import pareto_chart
from perjoule.reports.page import render

from ..test_page import analysed, study

SCRIPT = "<script>document.title = 'owned'</script>"


def searched(n=120):
    """A table with hyperparameters of each kind, some not used, and trials that failed."""
    rng = np.random.default_rng(3)
    failed = np.arange(n) % 10 == 4
    optimizer = rng.choice(["adam", "sgd"], n).astype(object)
    optimizer[5] = SCRIPT
    return load_table(
        pd.DataFrame(
            {
                "strategy": np.repeat(["random", "tpe", "gp"], n // 3),
                "seed": np.arange(n) % 4,
                "state": np.where(failed, "failed", "complete"),
                "score": np.where(failed, np.nan, rng.uniform(0.3, 0.99, n)),
                "energy_j": rng.lognormal(0, 1, n),
                "energy_kind": "modelled",
                "epochs": rng.integers(1, 9, n),
                "learning_rate": 10 ** rng.uniform(-4, -1, n),
                "optimizer": optimizer,
                "momentum": np.where(optimizer == "sgd", rng.uniform(0, 1, n), np.nan),
                "message": np.where(failed, f'out of "memory",\n{SCRIPT}', None),
            }
        )
    )


@pytest.fixture(scope="module")
def table():
    return searched()


@pytest.fixture(scope="module")
def text(table):
    return render(table, analysed(table))


@pytest.fixture(scope="module")
def shared(text, share_page):
    return share_page(text)


@pytest.fixture
def opened(shared):
    """The page as it was: nothing searched, nothing selected."""
    shared.see()
    shared.page.evaluate(
        """() => {
            perjoule.selection.set(null);
            document.querySelector("[name=trials-which][value=all]").click();
            scrollTo(0, 0);
        }"""
    )
    search(shared.page, "", "1 to 50 of 120 trials")
    shared.page.evaluate("document.activeElement.blur()")
    return shared


def column(page, head):
    heads = page.locator("#trials-table thead th").all_inner_texts()
    place = [each.strip() for each in heads].index(head)
    return page.locator(f"#trials-table tbody tr > :nth-child({place + 1})").all_inner_texts()


def count(page):
    return page.locator("#trials-count").inner_text()


def search(page, query, told):
    """Search, and wait until the table tells how many it found."""
    page.fill("#trials-query", query)
    page.locator("#trials-count").get_by_text(told, exact=True).wait_for()


def test_the_table_searches_and_sorts(table, text, open_page):
    opened = open_page(text, drawn=False)
    page, trials = opened.page, table.trials
    assert count(page) == "1 to 50 of 120 trials"
    page.click("#trials-next")
    assert count(page) == "51 to 100 of 120 trials"
    page.get_by_role("button", name="energy", exact=True).click()
    head = page.locator("#trials-table th[aria-sort]")
    assert head.get_attribute("aria-sort") == "ascending"
    cheapest = trials.sort_values("energy_j").iloc[0]
    first = page.locator("#trials-table tbody tr").first.inner_text()
    assert str(cheapest["strategy"]) in first
    page.get_by_role("button", name="energy", exact=True).click()
    assert head.get_attribute("aria-sort") == "descending"
    wanted = trials[(trials["score"] > 0.9) & (trials["p.optimizer"] == "adam")]
    search(page, "score>90% optimizer=adam", f"{len(wanted)} trials")
    assert set(column(page, "optimizer")) == {"adam"}
    search(page, "memory", "12 trials")
    assert page.locator("#trials-table td small").first.inner_text().startswith("out of")
    page.get_by_role("button", name="12 failed").click()
    assert page.input_value("#trials-query") == "state=failed"
    assert count(page) == "12 trials"
    search(page, "no such thing", "No trial is found.")
    assert not opened.errors


def test_a_selection_is_one_everywhere(opened):
    page = opened.page
    # A point of the figure.
    place = page.evaluate(
        """() => {
            const element = document.getElementById("pareto-0");
            const point = { customdata: perjoule.drawn.get(element).data[0].customdata[3] };
            element.emit("plotly_click", { points: [point], event: {} });
            return point.customdata;
        }"""
    )
    selected = page.locator("#trials-table tr.selected")
    assert selected.count() == 1
    assert page.locator("#trials-table tbody tr").first.get_attribute("class") == "selected"
    assert page.locator(".parallel .line:not(.dim)").count() == 1
    chosen = """[...new Set(document.getElementById("pareto-0")._fullData.flatMap(
        (trace) => [...(trace.selectedpoints ?? [])].map((point) => trace.customdata[point])))]"""
    assert page.evaluate(chosen) == [place]
    assert "seed" in page.locator("#selected-bar output").inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate("perjoule.selection.rows") is None
    assert page.locator("#selected-bar").is_hidden()
    assert page.locator(".parallel .line.dim").count() == 0
    # A box in the figure.
    page.evaluate("Plotly.relayout('pareto-0', { dragmode: 'select' })")
    page.locator("#pareto-0").scroll_into_view_if_needed()
    area = page.locator("#pareto-0 .nsewdrag").first.bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + 5)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] - 5, area["y"] + area["height"] / 2, steps=5)
    page.mouse.up()
    page.locator("#selected-bar output", has_text="trials selected").wait_for()
    size = page.evaluate("perjoule.selection.rows.size")
    assert 1 < size < 120
    assert page.locator(".parallel .line:not(.dim)").count() == size
    page.check("input[name=trials-which][value=selected]", force=True)
    assert count(page) == f"{size} trials"
    # A box of the table itself takes one away.
    page.locator("#trials-table tbody input").first.uncheck()
    assert page.evaluate("perjoule.selection.rows.size") == size - 1
    assert page.locator(".parallel .line:not(.dim)").count() == size - 1
    page.click("#trials-clear")
    assert page.evaluate("perjoule.selection.rows") is None
    assert not opened.errors


def test_brushes_keep_what_lies_within_all_of_them(table, opened):
    page = opened.page
    low = page.get_by_role("slider", name="learning_rate, lowest")
    low.focus()
    for _ in range(10):
        page.keyboard.press("PageUp")
        if int(low.get_attribute("aria-valuenow")) >= 46:
            break
    rate = np.log10(table.trials["p.learning_rate"].astype(float))
    share = (rate - rate.min()) / (rate.max() - rate.min())
    edge = page.evaluate("perjoule.selection.rows.size")
    assert edge == (share >= -0.035 + 0.1 * 5).sum()
    # One that is not used has a row of its own, which the other end of its axis leaves out.
    page.get_by_role("slider", name="momentum, lowest").focus()
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    both = page.evaluate("[...perjoule.selection.rows]")
    wanted = table.trials[(share >= 0.465) & table.trials["p.momentum"].notna()]
    assert set(both) == set(wanted.index)
    assert page.locator(".parallel output").inner_text() == f"{len(both)} of 120 trials lie within"
    assert page.locator("#trials-table tr.selected").count() == min(len(both), 50)
    page.click(".parallel [data-reset]")
    assert page.evaluate("perjoule.selection.rows") is None
    # By the pointer: a drag along the axis of joules.
    page.locator(".parallel .lines").scroll_into_view_if_needed()
    axis = page.locator(".parallel .hit").nth(3).bounding_box()
    page.mouse.move(axis["x"] + 20, axis["y"] + 5)
    page.mouse.down()
    page.mouse.move(axis["x"] + 20, axis["y"] + axis["height"] / 2, steps=4)
    page.mouse.up()
    assert 0 < page.evaluate("perjoule.selection.rows.size") < 120
    page.locator("label", has_text="Validation accuracy").click()
    assert "color-mix" in page.locator(".parallel .line").first.get_attribute("style")
    assert not opened.errors


def test_what_is_downloaded_equals_the_rows_of_the_table(table, opened, tmp_path):
    page = opened.page
    with page.expect_download() as waiting:
        page.click("#trials-download")
    waiting.value.save_as(tmp_path / "all.csv")
    assert waiting.value.suggested_filename == "table.csv"
    read = load_table(tmp_path / "all.csv").trials
    pd.testing.assert_frame_equal(read, table.trials[read.columns])
    page.evaluate("perjoule.selection.set(new Set([4, 5, 17]))")
    with page.expect_download() as waiting:
        page.click("#trials-download")
    waiting.value.save_as(tmp_path / "some.csv")
    assert waiting.value.suggested_filename == "table-selected.csv"
    with (tmp_path / "some.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["energy_j"]) for row in rows] == list(
        table.trials["energy_j"].loc[[4, 5, 17]]
    )
    assert rows[0]["message"] == f'out of "memory",\n{SCRIPT}'
    assert rows[1]["p.optimizer"] == SCRIPT


def test_text_of_strangers_is_text(opened):
    page = opened.page
    search(page, "owned", "13 trials")
    assert page.title() != "owned"
    assert SCRIPT in column(page, "optimizer")
    told = "document.querySelector('#pareto-0').data.flatMap((trace) => trace.hovertext ?? [])"
    [label] = [each for each in page.evaluate(told) if "script" in each]
    assert "optimizer = &#60;script&#62;" in label
    assert "<script" not in label
    assert page.locator(".parallel text", has_text="<script>").count()


def test_a_point_tells_the_same_alone_and_on_a_page(table, opened):
    page = opened.page
    told = page.evaluate(
        """() => document.querySelector("#pareto-0").data.filter((trace) => trace.hovertext)
            .map((trace) => trace.hovertext)"""
    )
    figure = pareto_chart(table.trials, Drawing(look_of(table.strategies), table.strategies)).figure
    alone = [list(trace.hovertext) for trace in figure.data if trace.hovertext is not None]
    named = {"&lt;": "&#60;", "&gt;": "&#62;", "&#x27;": "&#39;"}
    plain = [[re.sub("&[lg#]t?x?2?7?;", lambda m: named[m[0]], t) for t in each] for each in alone]
    assert sorted(told) == sorted(plain)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_selection(opened, axe, scheme):
    page = opened.see(scheme=scheme)
    page.evaluate("perjoule.selection.set(new Set([4, 5, 17]))")
    assert not axe(page)


def test_groups_have_lines_once_they_are_seen(open_page):
    table = study(groups=["one", "two"], width=8)
    table.trials["p.width"] = np.arange(len(table.trials)) % 7
    opened = open_page(render(table, analysed(table)), width=390, height=844)
    page = opened.page
    assert page.locator("[data-parallel]").count() == 2
    assert page.locator("[data-parallel='parallel-1-axes'] .line").count() == 0
    page.locator("details.group").nth(1).evaluate("each => each.open = true")
    page.evaluate("perjoule.drawAll()")
    assert page.locator("[data-parallel='parallel-1-axes'] .line").count()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    assert not opened.errors


def test_a_hundred_thousand_trials_stay_light(browser, tmp_path):
    table, path = make_table(100_000), tmp_path / "page.html"
    path.write_text(render(table, analysed(table)), encoding="utf-8")
    assert path.stat().st_size < 15e6
    with opening(browser, path) as page:
        found = interactive(page)
        assert found.cpu_s < 3, "others' load is no matter"
        assert "of 100,000 trials, all fronts" in page.locator("#trials").inner_text()
        sort = "document.querySelectorAll('#trials-table .sort')[5].click()"
        timed = f"() => {{ const t = performance.now(); {sort}; return performance.now() - t; }}"
        assert page.evaluate(timed) < 1000
