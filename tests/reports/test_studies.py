import math
import re
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule import load_table
from perjoule.benchmarks.analysis.analysing import analyse
from perjoule.benchmarks.studies import (
    Axis,
    Claim,
    Findings,
    Heat,
    Mark,
    Plot,
    Quantity,
    Series,
    Sheet,
    Study,
)
from perjoule.benchmarks.studies.wording import because, headline, in_words
from perjoule.reports.figures.heats import heat_chart
from perjoule.reports.figures.plots import plot_chart
from perjoule.reports.page import MOST_CELLS, render
from perjoule.reports.rendering import SCRIPTS
from perjoule.reports.study_content import safe_link
from perjoule.reports.study_index import Entry, write_index
from perjoule.reports.study_terminal import print_studies, print_study

from .pages import Page

HOSTILE = "<script>alert(1)</script>"
STUDY = {
    "name": "layers",
    "question": "Which layers cost most?",
    "paper": "A. Writer, 2023",
    "link": "doi:10.1109/CAIN58948.2023.00017",
    "options": {"quick": True, "dataset": None, "meter": "auto"},
    "design": {"layers": ["2 cells x 5 repetitions", "conv: 1, 4"]},
    "fixed": {"epochs": "3", "optimiser": HOSTILE},
    "estimate": {"duration_s": 300.0, "energy_j": 1300.0, "trials": 12},
    "took": {"duration_s": 240.0, "energy_j": 1238.0, "trials": 10},
    "idle": [
        {"source": "rapl:0", "component": "cpu", "kind": "measured", "power_w": 8.21},
        {"source": "nvml:0", "component": "gpu", "kind": "unavailable", "power_w": None},
    ],
    "idle_s": 3.0,
    "load": {
        "before_cores": 0.02,
        "median_cores": 0.5,
        "most_cores": 1.2,
        "busy_share": 0.5,
        "samples": 120,
    },
}
CLAIMS = (
    Claim(
        "Convolutions double the joules.", Quantity(1.95), Quantity(2.03, 1.98, 2.08), True, "so"
    ),
    Claim("Accuracy is kept.", Quantity(0.001, unit="%"), None, False, "three epochs are few"),
    Claim(f"More {HOSTILE}.", None, None, None, "one repetition gives no interval"),
)
NUMBERS, NAMES = Axis("size"), Axis("network", labels=("plain", HOSTILE))
EXHIBITS = (
    Sheet(
        "cells",
        "The cells",
        "Joules.",
        ("cell", "joules", "words"),
        (("conv 1", Quantity(1234.0, 1200.0, 1300.0, "J"), HOSTILE), ("conv 4", None)),
    ),
    Plot(
        "curves",
        "The curves",
        "Up.",
        Axis("size", "", log=True),
        Axis("energy", "J", log=True),
        (
            Series("alone", (1, 10, 100), (2.5, None, 4.5), style="line"),
            Series(HOSTILE, (1, 10), (3.25, 5.25), (3.0, 5.0), (4.0, 6.0), (HOSTILE,), "dots"),
        ),
        (Mark(f"L1 {HOSTILE}", 30.0), Mark("target", 4.0, "y")),
    ),
    Heat("map", "The map", "Cold.", NAMES, NAMES, ((1.5, None), (2.5, 3.5)), unit="J", log=True),
)


def cells_table(n_cells=2, repetitions=5, **stated):
    """A study's table: every cell once in each repetition."""
    table = trials_of(n_cells, repetitions)
    return replace(table, name="study-layers", description={"study": STUDY | stated})


@cache
def trials_of(n_cells, repetitions):
    """A table of cells, each a run of its own."""
    rows = [
        {
            "run": f"conv {cell} #{seed}",
            "strategy": f"conv {cell}",
            "seed": seed,
            "trial": 0,
            "score": 0.9,
            "energy_j": (1.0 + cell) * (1 + seed / 100),
            "energy_train_j": 1.0,
            "energy_kind": "modelled",
            "conv": cell,
        }
        for seed in range(repetitions)
        for cell in range(n_cells)
    ]
    return load_table(pd.DataFrame(rows))


@cache
def analysis_of(n_cells, repetitions):
    return analyse(trials_of(n_cells, repetitions), "98%")


def page_of(table, findings):
    shape = table.trials["strategy"].nunique(), table.trials["seed"].nunique()
    own = table.trials is trials_of(*shape).trials
    return Page(render(table, analysis_of(*shape) if own else analyse(table, "98%"), findings))


def told(page):
    return page.text.replace("\u00a0", " ")


def figures(page):
    """The figures of a page by their identifiers."""
    return {
        attributes["id"].removesuffix("-data"): figure
        for (attributes, _), figure in zip(
            [each for each in page.scripts if each[0].get("id", "").endswith("-data")],
            page.figures,
            strict=True,
        )
    }


@pytest.fixture(scope="module")
def page():
    return page_of(cells_table(), Findings(CLAIMS, EXHIBITS, ("A note.",)))


# The page ----------------------------------------------------------------------------------------


def test_an_interrupted_study_says_so_even_with_as_many_trials_as_were_foreseen():
    took = STUDY["took"] | {"trials": 12}  # those that were interrupted among them
    for over, told_so in ((False, True), (True, False)):
        page = page_of(cells_table(took=took, over=over), Findings(CLAIMS))
        assert ("some trials are still to come" in told(page)) is told_so


def test_the_claims_stand_first_each_with_its_figures_verdict_and_reason(page):
    text = told(page)
    order = [
        "Which layers cost most?",
        "1 of 3 holds here",
        "1 of 3 findings of A. Writer, 2023, holds here, 1 does not; of 1 nothing can be said.",
        "Convolutions double the joules. 1.95 2.03 1.98 to 2.08 holds here because so.",
        "Accuracy is kept. 0.10 % n/a does not hold here because three epochs are few.",
        "n/a n/a cannot be said here because one repetition gives no interval.",
        "The cells",
        "The curves",
        "The map",
        "How it was done",
        "All trials",
        "Where the numbers come from",
    ]
    places = [text.rindex(words) if words == order[0] else text.index(words) for words in order]
    assert places[1:] == sorted(places[1:])


def test_how_it_was_done_is_told(page):
    text = told(page)
    for words in (
        "2 cells x 5 repetitions",
        "conv: 1, 4",
        "trials 12 10",
        "1.30 kJ 1.24 kJ",
        "5.0 min 4.0 min",
        "10 of 12 trials so far",
        "rapl:0 measured 8.21 W",
        "nvml:0 unavailable n/a",
        "Others used the machine",
        "A note.",
    ):
        assert words in text, words


def test_every_exhibit_is_drawn_with_its_data(page):
    drawn, text = figures(page), told(page)
    assert "conv 1 1.23 kJ 1.20 to 1.30 kJ" in text
    plot = drawn["exhibit-1-curves"]
    assert [2.5, None, 4.5] in [trace["y"] for trace in plot["data"]]
    [dots] = [trace for trace in plot["data"] if "error_y" in trace]
    assert dots["error_y"]["array"] == [0.75, 0.75]
    assert dots["error_y"]["arrayminus"] == [0.25, 0.25]
    assert len(plot["layout"]["shapes"]) == 2
    assert "(J, modelled)" in plot["layout"]["yaxis"]["title"]["text"]
    heat = drawn["exhibit-2-map"]
    assert heat["data"][0]["z"][1] == pytest.approx([math.log10(2.5), math.log10(3.5)])
    assert heat["data"][0]["z"][0][1] is None


def test_what_is_hostile_stays_text(page):
    assert HOSTILE in page.text
    data = [each for each, _ in page.scripts if each.get("id", "").startswith("page-")]
    ours = 1 + len(SCRIPTS) + len(data) + len(page.figures)  # Plotly's, too
    assert [tag for tag, _ in page.elements].count("script") == ours
    for figure in page.figures:
        assert "<script" not in str(figure)
    assert "&lt;script&gt;" in str(figures(page)["exhibit-1-curves"])


def test_the_page_loads_nothing_and_leads_only_to_the_paper(page):
    outside = set()
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            address = attributes.get(name) or ""
            if address and address != "data:," and address[0] != "#":
                outside.add((tag, address))
    assert outside == {("a", "https://doi.org/10.1109/CAIN58948.2023.00017")}
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    labels = {a["aria-labelledby"] for _, a in page.elements if a.get("aria-labelledby")}
    assert labels <= set(ids)


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "data:text/html,x", "//x.y", "http://", "https://a b", "http://["],
)
def test_what_is_no_address_of_the_web_is_no_link(link):
    assert safe_link(link) == ""


def test_a_link_that_is_none_stays_text():
    page = page_of(cells_table(link="javascript:alert(1)"), Findings(CLAIMS))
    assert not [a for a in page.with_tag("a") if not a["href"].startswith("#")]
    assert "javascript:alert(1)" in page.text


def test_cells_do_not_race(page):
    text = told(page)
    for words in ("equal energy", "Who wins", "Pareto front", "hypervolume", "per joule"):
        assert words not in text, words
    assert "Cell by cell" in text
    assert "cells 2 5 repetitions" in text
    assert set(figures(page)) == {"exhibit-1-curves", "exhibit-2-map", "spread-0", "phases-0"}


def test_a_search_keeps_its_comparison():
    rows = [
        {"run": f"{name}{seed}", "strategy": name, "seed": seed, "trial": trial}
        | {"score": 0.5 + 0.1 * trial, "energy_j": 1.0 + trial, "learning_rate": 0.1 * trial}
        for name in ("tpe", "random")
        for seed in range(5)
        for trial in range(3)
    ]
    table = replace(load_table(pd.DataFrame(rows)), description={"study": STUDY})
    page = page_of(table, Findings(CLAIMS))
    assert "Pareto front" in page.text
    assert "pareto-0" in figures(page)


def test_more_cells_than_can_be_told_apart_are_a_table_alone():
    page = page_of(cells_table(MOST_CELLS + 1, 1), Findings(()))
    assert not figures(page)
    assert f"conv {MOST_CELLS}" in page.text


def test_a_study_without_findings_says_so():
    page = page_of(cells_table(), Findings(()))
    assert "No finding of A. Writer, 2023, was checked here." in page.text
    empty = Findings(
        (), (Plot("", "Empty", "", NUMBERS, NUMBERS, ()), Heat("", "", "", NUMBERS, NUMBERS, ()))
    )
    assert str(page_of(cells_table(), empty).figures).count("Nothing can be drawn yet.") == 2


@pytest.mark.parametrize("wrong", [7, "text", [1, None], {"x": None}])
def test_a_description_of_anybody_is_no_crash(wrong):
    table = cells_table()
    for description in (
        {"study": wrong},
        {"study": dict.fromkeys(STUDY, wrong)},
        {"study": STUDY | {"load": STUDY["load"] | {"most_cores": wrong}, "idle": [wrong]}},
    ):
        page = page_of(replace(table, description=description), Findings(CLAIMS[:1]))
        assert "Convolutions double the joules." in page.text


# Figures -----------------------------------------------------------------------------------------


def plot(x=NUMBERS, y=NUMBERS, *series, **rest):
    return plot_chart(Plot("p", "P", "", x, y, series, **rest), "p", "measured")


def test_a_logarithm_has_no_place_for_zero_and_says_so():
    log = Axis("size", log=True)
    chart = plot(log, NUMBERS, Series("s", (0, 1, 10), (1.0, 2.0, 3.0)))
    assert chart.figure.data[0].x == (None, 1, 10)
    assert chart.notes == [
        "Not drawn, for a logarithmic axis has no place for them: 1 of 3 points."
    ]


def test_shares_are_written_in_percent():
    chart = plot(NUMBERS, Axis("accuracy", "%"), Series("s", (1, 2), (0.5, 0.75)))
    assert chart.figure.data[0].y == (50, 75)
    assert chart.figure.layout.yaxis.ticksuffix == " %"
    assert "accuracy: 75.0 %" in chart.figure.data[0].hovertext[1]


def test_a_band_has_a_gap_where_something_is_unknown():
    series = Series(
        "s", (1, 2, 3), (1.0, None, 3.0), (0.5, None, 2.5), (1.5, None, 3.5), (), "line"
    )
    band = plot(NUMBERS, NUMBERS, series).figure.data[0]
    assert band.fill == "toself"
    assert band.x == (1, 1, None, 3, 3, None)
    assert band.y == (0.5, 1.5, None, 2.5, 3.5, None)


def test_columns_that_are_too_short_end_in_the_unknown():
    series = Series("s", (1, 2, 3), (1.0,), (0.5,), (1.5, math.nan))
    chart = plot(NUMBERS, NUMBERS, series)
    assert chart.figure.data[0].y == (1, None, None)


def test_names_stand_in_place_of_numbers_with_series_side_by_side():
    chart = plot(NAMES, NUMBERS, *(Series(name, (0, 1), (1.0, 2.0)) for name in "ab"))
    layout = chart.figure.layout
    assert layout.xaxis.ticktext[0] == "plain"
    assert chart.figure.data[0].x[0] < 0 < chart.figure.data[1].x[0]
    assert "network: plain" in chart.figure.data[0].hovertext[0]


def test_labels_of_lines_stand_apart():
    near = (Mark(f"level {n}", 10.0 + n / 10) for n in range(3))
    chart = plot(NUMBERS, NUMBERS, Series("s", (0, 20), (0, 1)), marks=(*near, Mark("far", 1.0)))
    rows = {each.text: each.yshift for each in chart.figure.layout.annotations}
    assert len({rows[f"level {n}"] for n in range(3)}) == 3
    assert rows["far"] == 0


def heat(values, **rest):
    n = len(values[0])
    x, y = (Axis("w", labels=tuple("abcdef"[:size])) for size in (n, len(values)))
    return heat_chart(Heat("h", "H", "", x, y, values, **rest), "h", "measured").figure


def test_a_cell_without_a_value_is_hatched_and_says_why():
    figure = heat(((1.0, None), (2.0, 4.0)), texts=(("", "> 9 J"), ("", "")), unit="J")
    scatters = [trace for trace in figure.data if trace.type == "scatter"]
    [hatched] = [trace for trace in scatters if trace.fill == "toself"]
    assert hatched.fillpattern.shape == "/"
    assert sorted(set(hatched.x) - {None}) == pytest.approx([0.515, 1.485])
    [words] = [trace for trace in scatters if trace.mode == "text"]
    assert set(words.text) == {"1.00 J", "&gt; 9 J", "2.00 J", "4.00 J"}


def test_contours_are_drawn_at_round_values_and_labelled_there():
    figure = heat(((10.0, 30.0, 300.0), (20.0, 60.0, 600.0)), log=True, contours=True, unit="J")
    levels = [trace.contours.start for trace in figure.data if trace.type == "contour"]
    assert levels == pytest.approx([math.log10(each) for each in (20, 50, 100, 200, 500)])
    labels = {each.text: each.x for each in figure.layout.annotations}
    assert 1 < labels["100 J"] < 2


def test_values_that_are_all_alike_are_drawn():
    figure = heat(((2.0, 2.0),), log=True)
    assert figure.data[0].zmin < math.log10(2) < figure.data[0].zmax


# Words -------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from([True, False, None]), max_size=6))
def test_a_headline_counts_every_finding(ways):
    claims = [Claim("It is.", None, None, way, "so") for way in ways]
    sentence = headline(claims, "Us")
    held, unsaid = ways.count(True), ways.count(None)
    numbers = [int(number) for number in re.findall(r"\d+", sentence)]
    assert sentence.endswith(".")
    if 0 < unsaid < len(ways):
        assert numbers[-1] == unsaid
        assert numbers[1 if held else 0] == len(ways)
    elif len(ways) > 1 and 0 < held < len(ways):
        assert numbers == [held, len(ways)]
    elif len(ways) > 2 and held:
        assert numbers == [held]


def test_reasons_are_whole_sentences():
    assert because(CLAIMS[1:]) == (
        "“Accuracy is kept” does not hold here, because three epochs are few. Whether "
        f"“More {HOSTILE}” holds cannot be said here, because one repetition gives no interval."
    )


def test_quantities_in_words():
    cases = {
        Quantity(None, 0.8, None, "%"): "at least 80.0 %",
        Quantity(None, high=5): "up to 5",
        Quantity(2.0, high=5): "2 [up to 5]",
        Quantity(0.0065, unit="%"): "0.65 %",
        Quantity(1500.0, 999.0, 2000.0, "J"): "1.50 kJ [999 J, 2.00 kJ]",
        Quantity(None): "n/a",
    }
    assert {quantity: in_words(quantity) for quantity in cases} == cases


# Terminal and index ------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [80, 120])
def test_the_terminal_tells_each_claim_with_its_reason(columns, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = SimpleNamespace(
        findings=Findings(CLAIMS, (), ("A note.",)),
        study=SimpleNamespace(paper="Us"),
        table=SimpleNamespace(notes=()),
        interrupted=True,
        report="runs/x/report.html",
    )
    print_study(result)
    coloured = capsys.readouterr().out
    lines = re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()
    assert coloured != "\n".join(lines)
    assert max(map(len, lines)) <= columns
    monkeypatch.delenv("FORCE_COLOR")
    print_study(result)
    plain = capsys.readouterr().out
    assert "\x1b" not in plain
    assert "Some trials are still to come" in plain
    for words in ("holds here", "because three epochs are few.", "1.98 to 2.08", "- A note."):
        assert words in plain
        assert columns < 120 or any(words in line for line in lines)


def test_the_terminal_lists_studies(capsys):
    print_studies([Study("layers", "Which cost?", "Us", None, None, "4 minutes", "40 hours")])
    listed = capsys.readouterr().out
    assert all(words in listed for words in ("layers", "Which cost?", "Us", "4 minutes"))


def test_an_index_leads_to_every_report(tmp_path):
    entries = [
        Entry(
            "layers", "Q?", "P", "doi:10.1/x", "a b/report.html", "H.", 3, 4, 12.0, "modelled", 9.0
        ),
        Entry("setups", HOSTILE, "P", "javascript:x", "javascript:x", "H.", 2, 2),
        Entry("others", "Q?", "P", status="failed", problem=f"no data: {HOSTILE}"),
    ]
    write_index(tmp_path / "index.html", entries)
    page = Page((tmp_path / "index.html").read_text())
    assert [a["href"] for a in page.with_tag("a")] == ["a%20b/report.html"]
    assert not page.scripts
    text = told(page)
    assert "5 of 6 findings, from 2 of 3 studies, hold here." in text
    for words in ("3 hold, 1 does not", "could not be run", f"no data: {HOSTILE}", "12.0 J"):
        assert words in text
