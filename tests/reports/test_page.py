import dataclasses
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from plotly.offline import get_plotlyjs

import perjoule
from perjoule import load_table
from perjoule.benchmarks.analysis.analysing import analyse
from perjoule.errors import OutputError
from perjoule.reports.page import MOST_GROUPS, render, write

from .pages import Page

HOSTILE = "tpe </script><b onclick=alert(1)>"


def study(strategies=("random", HOSTILE, "gp"), seeds=5, trials=8, groups=("",), **columns):
    """A table in which later strategies are better and dearer."""
    rng = np.random.default_rng(1)
    rows = [
        {
            "dataset": group,
            "strategy": name,
            "seed": seed,
            "trial": trial,
            "score": 1 - 10 ** -(0.5 + 0.15 * place + 0.06 * trial + rng.uniform(0, 0.2)),
            "energy_j": (1 + place / 10) * rng.lognormal(0, 0.3),
            "energy_kind": "modelled",
            "learning_rate": rng.uniform(0, 1),
        }
        for group in groups
        for place, name in enumerate(strategies)
        for seed in range(seeds)
        for trial in range(trials)
    ]
    frame = pd.DataFrame(rows).assign(**columns)
    if len(groups) == 1:
        return load_table(frame.drop(columns="dataset"))
    return load_table(frame, by="dataset")


def analysed(table):
    return analyse(table, "98%")


def page_of(table):
    page = Page(render(table, analysed(table)))
    page.told = page.text.replace("\u00a0", " ")
    return page


@pytest.fixture(scope="module")
def page():
    return page_of(study(seeds=10, trials=4))


@pytest.fixture(scope="module")
def grouped():
    return page_of(study(groups=[f"set-{i}" for i in range(5)], trials=2))


def repeated(n):
    """A table of so many groups that are alike, and its analysis."""
    table = study(("a", "b"), 1, 2, groups=[str(i) for i in range(n)])
    analysis = analysed(study(("a", "b"), 1, 2))
    [group] = analysis.groups
    groups = tuple(dataclasses.replace(group, by={"dataset": str(i)}) for i in range(n))
    return table, dataclasses.replace(analysis, groups=groups)


def names(page):
    return [attributes["id"] for attributes in page.with_tag("div") if "data-figure" in attributes]


def test_the_page_is_complete_in_itself(page, grouped):
    marker = get_plotlyjs()[:40]
    for each in (page, grouped):
        assert sum(marker in text for _, text in each.scripts) == 1
        for tag, attributes in each.elements:
            for name in ("src", "href", "srcset", "action", "data", "poster"):
                address = attributes.get(name) or ""
                assert not address or address == "data:," or address[0] == "#", (tag, address)
        policy = next(m["content"] for m in each.with_tag("meta") if "http-equiv" in m)
        assert policy.startswith("default-src 'none'")
        assert "http" not in policy
        assert each.figures
        for figure in each.figures:
            assert figure["config"]["showSendToCloud"] is False
            assert figure["config"]["plotlyServerURL"] == ""


def test_the_page_is_accessible(page, grouped):
    for each in (page, grouped):
        assert each.with_tag("html") == [{"lang": "en"}]
        assert len(each.with_tag("h1")) == 1
        plots = [attributes for attributes in each.with_tag("div") if "data-figure" in attributes]
        assert all(plot["role"] == "group" and plot["aria-label"] for plot in plots)
        ids = [attributes["id"] for _, attributes in each.elements if attributes.get("id")]
        assert len(ids) == len(set(ids))
        labels = [a["aria-labelledby"] for _, a in each.elements if a.get("aria-labelledby")]
        assert {each for label in labels for each in label.split()} <= set(ids)
        links = [a["href"][1:] for a in each.with_tag("a")]
        assert set(links) <= set(ids)


def test_text_from_data_stays_text():
    named = study(groups=["<i>one</i>", "two"], learning_rate="<u>0.1</u>")
    notes = ("A note from <em>afar</em>.",)
    page = page_of(dataclasses.replace(named, name="<s>name</s>", notes=notes))
    assert HOSTILE in page.text
    assert "A note from <em>afar</em>." in page.text
    assert "<i>one</i>" in page.text
    assert "<s>name</s>" in page.text
    assert not [tag for tag, _ in page.elements if tag in ("b", "em", "s", "u")]
    assert all("onclick" not in attributes for _, attributes in page.elements)


def test_one_group_says_who_wins_by_what(page):
    assert "gp found the most accurate networks for the same energy (" in page.told
    assert "fixed budget: supported" in page.told
    assert "runs 30 of 3 strategies trials 120 120 complete" in page.told
    assert "energy, modelled" in page.told
    for criterion in ("accuracy at 25 % of the energy", "accuracy at 100 % of the energy"):
        assert criterion in page.told
    assert page.told.count("(best)") >= 3, "winners are marked in words, too"
    assert {"pareto-0", "attainment-0", "anytime-0", "standing-0"} < set(names(page))


def test_sections_stand_in_reading_order(grouped):
    titles = [
        "Who wins how often",
        "Mean ranks: equal energy",
        "Group by group",
        "Pareto front",
        "Anytime performance",
        "Statistics",
        "Who wins, and is it more than chance?",
        "Who cannot be told apart?",
        "Rank over joules",
        "The best candidate of each strategy",
        "Where the numbers come from",
        "How to read this",
    ]
    places = [grouped.text.index(title) for title in titles]
    assert places == sorted(places)


def test_groups_are_counted_and_the_first_is_open(grouped):
    assert "gp leads for the same energy in 5 of 5 groups" in grouped.told
    assert "groups 5 by dataset" in grouped.told
    groups = [a for a in grouped.with_tag("details") if a.get("class") == "group"]
    assert ["open" in attributes for attributes in groups] == [True] + [False] * 4
    assert "over 5 groups the strategies differ" in grouped.told.lower()
    assert names(grouped)[:2] == ["ranks-equal_energy", "ranks-anytime"]


def test_a_tie_is_shown_as_one():
    table = study(("a", "b"), score=0.9, energy_j=1.0)
    page = page_of(table)
    assert page.told.count("(equal)") >= 1
    assert "found equally accurate networks for the same energy" in page.told
    assert [a for a in page.with_tag("span") if a.get("class") == "tied"]


def test_too_few_runs_are_not_conclusive():
    page = page_of(study(seeds=2))
    assert "fixed budget: not conclusive" in page.told.partition("How to read this")[0]
    assert "Nothing can be concluded" in page.told
    assert "η² 0" not in page.told, "no test is shown where there are too few runs for one"


def test_joules_of_different_kinds_stand_apart():
    table = study(("a", "b"))
    trials = table.trials.copy()
    trials.loc[trials["strategy"] == "b", "energy_kind"] = "measured"
    trials.loc[trials.index[:3], "energy_kind"] = None
    trials.loc[trials.index[3], "energy_j"] = np.nan
    page = page_of(dataclasses.replace(table, trials=trials))
    for kind in ("energy, modelled", "energy, measured", "energy, of a kind not stated"):
        assert kind in page.told
    assert "energy, unknown 1 trial in no sum" in page.told
    assert "A hardware counter, read at the edges of every trial." in page.told
    assert "The table does not say how these joules became known." in page.told
    both = trials.groupby(trials["energy_kind"].fillna("none"))["energy_j"].sum()
    assert "all strategies" not in page.told
    assert f"{both.sum():.3g} J" not in page.told


def test_energies_alone_make_no_empty_figure():
    page = page_of(study(seeds=9, score=np.nan, trials=1, energy_kind="integrated"))
    assert "No accuracy is recorded, so there is no winner. " in page.told
    assert "random takes the fewest joules" in page.told
    assert names(page) == ["spread-0"]
    assert "Accuracy at equal energy" not in page.text
    assert "Who wins" not in page.text
    assert "strategy joules of a run vary by random" in page.told
    assert "n/a" not in page.told.partition("How to read this")[0]
    boxes = [trace for trace in page.figures[0]["data"] if trace["type"] == "box"]
    assert len(boxes) == 3


def test_trainings_of_one_trial_have_no_curve():
    found = names(page_of(study(trials=1)))
    assert {"pareto-0", "attainment-0", "spread-0"} < set(found)
    assert not {"anytime-0", "standing-0"} & set(found)


def test_one_strategy_has_nobody_to_win_against():
    page = page_of(study(("alone",)))
    assert "alone reached 9" in page.told
    assert "Who wins" not in page.text
    assert "pareto-0" in names(page)


@pytest.mark.thorough
def test_many_strategies_start_with_the_leading_ones():
    page = page_of(study([f"s{i:02d}" for i in range(24)], trials=4))
    drawn = [t for t in page.figures[2]["data"] if t.get("showlegend", True) and t.get("line")]
    lines = [t for t in drawn if t.get("hoverinfo") == "text"]
    assert len(lines) == 24
    assert sum(line["visible"] is True for line in lines) == 8
    assert "Shown at first: the 8 strategies that lead at equal energy." in page.told
    looks = {(t["line"]["color"], t["line"]["dash"]) for t in lines}
    assert len(looks) == 24
    assert all("markers" in line["mode"] for line in lines)


@pytest.mark.thorough
def test_groups_beyond_the_first_have_tables_only():
    page = Page(render(*repeated(MOST_GROUPS + 2)))
    assert len([name for name in names(page) if name.startswith("pareto")]) == MOST_GROUPS
    assert page.text.count(f"Figures are drawn for the first {MOST_GROUPS} groups.") == 2


@pytest.mark.thorough
def test_many_trials_stay_light():
    rng = np.random.default_rng(0)
    n, n_runs = 100_000, 240
    trials = pd.DataFrame(
        {
            "strategy": np.repeat([f"s{i}" for i in range(24)], n // 24 + 1)[:n],
            "seed": np.arange(n) % (n_runs // 24),
            "score": rng.uniform(0, 0.99, n),
            "energy_j": rng.lognormal(0, 1, n),
        }
    )
    table = load_table(trials)
    analysis = analysed(table)
    started_s = time.process_time()
    text = render(table, analysis)
    assert time.process_time() - started_s < 6
    assert len(text) < 15e6
    told = Page(text).text
    assert "of 100,000 trials, all fronts, the best of each run, one of each kind" in told


@pytest.mark.parametrize("by", ["", "dataset"])
def test_everything_unknown_renders(by):
    table = study(score=np.nan, energy_j=np.nan, groups=["x", "y"] if by else [""])
    page = page_of(table)
    assert not page.figures
    assert "energy, unknown 120 trials" in page_of(study(score=np.nan, energy_j=np.nan)).told


def test_unknown_and_failed_trials_render():
    table = study(("a", "b"))
    trials = table.trials.copy()
    trials.loc[trials["strategy"] == "b", ["score", "state"]] = [np.nan, "failed"]
    page = page_of(dataclasses.replace(table, trials=trials))
    assert "40 failed" in page.told
    assert "a " in page.told


def test_slices_make_the_curves():
    table = study(("a", "b"), trials=4)
    slices = pd.concat([table.trials, table.trials.assign(energy_j=100.0)], ignore_index=True)
    page = page_of(dataclasses.replace(table, slices=slices))
    pareto, anytime = page.figures[0], page.figures[names(page).index("anytime-0")]
    assert "100" not in pareto["layout"]["xaxis"]["ticktext"]
    assert "100" in anytime["layout"]["xaxis"]["ticktext"]


METER = {
    "id": "nvml:0",
    "component": "gpu",
    "kind": "measured",
    "scope": "board",
    "update_period_s": 0.1,
    "gain_error": 0.05,
    "detail": "an accelerator",
    "warnings": ["It is hot."],
}
DESCRIPTION = {
    "created": "2026-11-20T14:05:00+00:00",
    "experiment": {"dataset": "digits", "budget_j": 400.0},
    "space": {
        "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
        "layers": {"low": 1, "high": 4},
        "optimizer": {"choices": ["sgd", "adam"]},
        "epochs": 3,
    },
    "meter": [METER],
    "versions": {"perjoule": "0.1.0"},
    "carbon": {"g_per_kwh": 56.0, "place": "France", "year": 2023, "source": "a table"},
    "work": {
        "workers": 4,
        "wall_s": 38.2,
        "wait_share": 0.0004,
        "asking_share": 0.1,
        "overhead": [{"what": "starting the workers", "energy_j": 31.0}],
        "driver_cpu_s": None,
    },
}


def comparison(**runs):
    """A table that also knows its runs, as that of a run folder."""
    table = study(seeds=4, energy_setup_j=0.1, energy_train_j=0.5)
    found = table.trials.drop_duplicates("run")[["run", "strategy", "seed"]]
    given = {"allotment_j": 30.0, "unplaced_j": 0.0, "end": "spent", "message": ""} | runs
    curves = pd.DataFrame(
        [
            (run, trial, epoch, epoch / 9, 0.5 + 0.1 * epoch, 0.1)
            for run in found["run"]
            for trial in range(8)
            for epoch in (1, 2, 3)
        ],
        columns=["run", "trial", "epoch", "energy_j", "score", "loss"],
    )
    return dataclasses.replace(
        table, runs=found.assign(**given), curves=curves, description=DESCRIPTION
    )


def test_a_comparison_shows_what_it_knows_besides():
    page = page_of(comparison())
    for told in (
        "Hyperparameter search on digits, 20 November 2026, 14:05 UTC (complete)",
        "compared at 30.0 J, the allotment of each run",
        "of 400 J, ",
        "CO2e",
        "time 38.2 s workers: 4",
        "the whole board",
        "It is hot.",
        "every 100 ms",
        "learning rate 0.001 to 0.1, logarithmic layers 1 to 4 optimizer sgd, adam epochs 3, fixed",
        "Charged to no run",
        "starting the workers 31.0 J",
        "load by others not recorded beside the trials workers waited <0.1 % of 38.2 s",
        "emitted",
        "Not metered: validate",
        "60.0 % to 80.0 % in 3 epochs",
    ):
        assert told in page.told, told
    shown = {"pareto-0", "anytime-0", "waterfall-0", "phases-0", "learning-0"}
    assert shown < set(names(page))
    assert page.told.count("in 3 epochs") == 3


def test_an_interrupted_comparison_says_so():
    page = page_of(comparison(end=None, unplaced_j=1.5))
    assert "14:05 UTC interrupted" in page.told
    assert "The comparison was interrupted; it can be resumed." in page.told
    assert "what every run had spent when the comparison was interrupted" in page.told


def test_runs_of_unknown_totals_are_compared_within_what_is_known():
    page = page_of(comparison(unplaced_j=None))
    assert "compared at 30.0 J, the allotment of each run" in page.told


def test_a_comparison_without_trials_renders():
    table = comparison(end=None)
    table = dataclasses.replace(table, trials=table.trials[:0], curves=table.curves[:0])
    page = page_of(table)
    assert "The comparison was interrupted before any trial was validated." in page.told
    assert "runs 12 of 3 strategies trials 0 none yet" in page.told
    assert not page.figures


def test_many_notes_are_folded():
    notes = tuple(f"Note {i}." for i in range(9))
    page = page_of(dataclasses.replace(study(), notes=notes))
    assert "6 more Note 3." in page.told
    assert page.told.count("Note 3.") == 1


@pytest.mark.parametrize("name", ["digits", "fashion-mnist"])
def test_a_recorded_table_renders(name):
    path = Path(perjoule.__file__).parent / "benchmarks" / "recorded" / name / "trials.parquet"
    page = page_of(load_table(path))
    assert f" {name} " in page.told
    assert page.figures
    assert "Search space" in page.text


@pytest.mark.thorough
def test_published_measurements_render(recorded):
    path = recorded / "delrey-seaa2023" / "dl-training-energy-consumption-dataset.csv"
    mapping = "strategy=architecture,seed=run,energy_j=energy (MJ)*1e6"
    page = page_of(load_table(path, by="training environment", mapping=mapping))
    assert "groups 3 by training environment" in page.told
    assert "runs 369 of 5 strategies" in page.told
    assert "kind of energy not stated" in page.told
    assert sum(name.startswith("pareto") for name in names(page)) == 3


def test_write_replaces_the_page_by_force_or_says_where_it_could_not(tmp_path):
    table = study(("a", "b"), 1, 2)
    path = tmp_path / "page.html"
    path.write_text("old")
    with pytest.raises(OutputError, match="is there already"):
        write(path, table, analysed(table))
    write(path, table, analysed(table), force=True)
    assert path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    with pytest.raises(OutputError, match="missing"):
        write(tmp_path / "missing" / "page.html", table, analysed(table))
    with pytest.raises(OutputError, match=r"page.svg: the page is HTML: name a file .* \.html"):
        write(tmp_path / "page.svg", table, analysed(table))
    assert list(tmp_path.iterdir()) == [path]
