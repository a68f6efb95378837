from __future__ import annotations

import copy

import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

from perjoule.errors import OutputError
from perjoule.reports.page import render, write

from .pages import BROWSER, Page, dom_of


@pytest.fixture(scope="module")
def page(comparison):
    return Page(render(comparison.trials, comparison.curves, comparison.summary))


def test_plotly_is_embedded_once(page):
    marker = get_plotlyjs()[:40]
    assert sum(marker in text for _, text in page.scripts) == 1


def test_nothing_is_loaded_and_nothing_is_linked(page):
    for tag, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            address = attributes.get(name) or ""
            assert not address or address == "data:,", (tag, name, address)
    policy = next(m["content"] for m in page.with_tag("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_no_figure_can_be_uploaded(page):
    assert len(page.figures) == 3
    for figure in page.figures:
        config = figure["config"]
        assert config["showSendToCloud"] is False
        assert config["plotlyServerURL"] == ""
        assert config["displaylogo"] is False
        assert config["responsive"] is True


def test_every_strategy_is_on_the_page_and_in_the_figures(page, comparison):
    for entry in comparison.summary["strategies"]:
        assert entry["strategy"] in page.text
    names = {trace.get("name") for trace in page.figures[0]["data"]}
    assert {"random", "grid", "hyperband", "energy-aware"} < names


def test_text_from_data_stays_text(page):
    assert "</script><b onclick=alert(1)>" in page.text
    assert "Joules are <modelled>." in page.text
    assert all("onclick" not in attributes for _, attributes in page.elements)
    assert not page.with_tag("b")


def test_the_headline_says_kind_and_support(page, comparison):
    text = page.text.replace("\u00a0", " ")
    assert comparison.summary["verdict"]["sentence"] in text
    assert "not yet conclusive energy modelled" in text
    assert "It rests on modelled cpu energy (cpu_time)." in text
    assert "3 seeds: too few to conclude anything." in text


def test_a_supported_verdict_says_so(comparison):
    summary = copy.deepcopy(comparison.summary)
    summary["verdict"]["supported"] = True
    summary["provenance"].append({**summary["provenance"][0], "component": "gpu"})
    text = Page(render(comparison.trials, comparison.curves, summary)).text
    assert "supported energy modelled" in text
    assert "not yet conclusive" not in text.partition("How to read this")[0]
    assert "modelled cpu energy (cpu_time) and modelled gpu energy (cpu_time)." in text


def test_unavailable_values_are_not_zero(page):
    grid = page.text.partition("kind of energy")[2].partition("grid")[2].partition("hyperband")[0]
    assert grid.count("n/a") == 2, "neither test accuracy nor search share is known"
    assert "Not metered: search (random, grid)." in page.text
    assert "<0.1 % of 38.2 s" in page.text


def test_trials_without_energy_are_counted(page):
    assert "Not drawn, for want of an energy reading: 5 of" in page.text


def test_lower_bounds_are_counted(comparison):
    trials = comparison.trials.assign(energy_kind="lower bound")
    text = Page(render(trials, comparison.curves, comparison.summary)).text
    assert f"is a lower bound: {len(trials)} of {len(trials)} trials." in text


def test_the_search_space_reads_as_ranges(comparison):
    summary = copy.deepcopy(comparison.summary)
    summary["experiment"]["space"] = {
        "learning_rate": {"type": "float", "low": 0.001, "high": 0.1, "log": True},
        "layers": {"type": "int", "low": 1, "high": 4},
        "optimizer": {"type": "categorical", "choices": ["sgd", "adam"]},
    }
    text = Page(render(comparison.trials, comparison.curves, summary)).text
    assert (
        "Search space learning rate 0.001 to 0.1, logarithmic layers 1 to 4 optimizer sgd, adam"
        in text
    )


def test_sections_stand_in_reading_order(page):
    titles = [
        "What a trial buys",
        "What a run has found by then",
        "Strategy by strategy",
        "Where the joules went",
        "The best candidate of each strategy",
        "Where the numbers come from",
        "How to read this",
    ]
    places = [page.text.index(title) for title in titles]
    assert places == sorted(places)


def test_the_page_is_accessible(page):
    assert page.with_tag("html") == [{"lang": "en"}]
    assert len(page.with_tag("h1")) == 1
    plots = [attributes for attributes in page.with_tag("div") if "data-figure" in attributes]
    assert all(plot["role"] == "img" and plot["aria-label"] for plot in plots)
    ids = [attributes["id"] for _, attributes in page.elements if attributes.get("id")]
    assert len(ids) == len(set(ids))
    labels = [a["aria-labelledby"] for _, a in page.elements if a.get("aria-labelledby")]
    assert set(labels) <= set(ids)


def test_emissions_stand_beside_the_energy_where_a_place_is_named(comparison, page):
    assert "CO2" not in page.text
    summary = copy.deepcopy(comparison.summary)
    summary["carbon"] = {"total_g": 0.00934, "intensity": "56.0 g/kWh, France 2023 (a table)"}
    text = Page(render(comparison.trials, comparison.curves, summary)).text.replace("\u00a0", " ")
    assert ", 9.34 mg CO2e" in text
    assert "emitted 9.34 mg intensity 56.0 g/kWh, France 2023 (a table)" in text


def _empty(summary):
    """The summary of a comparison that was interrupted before its first trial ended."""
    summary = copy.deepcopy(summary)
    summary.update(status="interrupted", best_accuracy=None, target_accuracy=None)
    summary["provenance"], summary["overhead"] = [], []
    for entry in summary["strategies"]:
        for name in ("accuracy", "test_accuracy", "equal_energy", "energy_j", "energy_to_target"):
            entry[name] = None
    for run in summary["runs"]:
        run.update(incumbent=None, spent_j=None)
    return summary


def test_a_comparison_without_trials_renders(comparison):
    page = Page(render(pd.DataFrame(), pd.DataFrame(), _empty(comparison.summary)))
    assert "interrupted" in page.text
    assert "No energy source was available." in page.text
    assert "No candidate has a validation accuracy yet." in page.text
    assert "energy spent n/a" in page.text


def test_one_trial_renders(comparison):
    page = Page(render(comparison.trials[:1], comparison.curves[:0], comparison.summary))
    assert "trials 1 1 complete" in page.text


def test_write_replaces_the_page_as_a_whole(tmp_path, comparison):
    path = tmp_path / "report.html"
    path.write_text("old")
    write(path, comparison.trials, comparison.curves, comparison.summary)
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert list(tmp_path.iterdir()) == [path]


def test_write_says_where_it_could_not(tmp_path, comparison):
    path = tmp_path / "missing" / "report.html"
    with pytest.raises(OutputError, match=r"missing.report\.html.*folder that exists"):
        write(path, comparison.trials, comparison.curves, comparison.summary)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_a_browser_draws_the_figures_and_offers_no_upload(tmp_path, comparison):
    path = tmp_path / "report.html"
    write(path, comparison.trials, comparison.curves, comparison.summary)
    dom = dom_of(path)
    figures = dom[dom.index("</style>") : dom.index("plotly.js v")]
    assert figures.count('class="main-svg"') >= 3
    buttons = [part.partition('"')[0] for part in figures.split('data-title="')[1:]]
    assert buttons.count("Reset axes") == 3
    assert not [b for b in buttons if any(w in b.lower() for w in ("cloud", "share", "upload"))]
