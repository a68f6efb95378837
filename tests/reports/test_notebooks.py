import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console

import perjoule
from perjoule import notebooks
from perjoule.api.comparing import Result
from perjoule.benchmarks.studies.facts import Claim, Findings, Quantity
from perjoule.energy.reading import ComponentReading, Reading
from perjoule.energy.source import Kind, Scope
from perjoule.reports.progress.notebook import NotebookLive

from .pages import Page

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def table():
    rows = [(name, 2.0, 0.5, seed) for name in ("a", HOSTILE) for seed in range(2)]
    frame = pd.DataFrame(rows, columns=["strategy", "energy_j", "score", "seed"])
    return perjoule.load_table(pd.concat([frame, frame.assign(score=0.7)]))


class Shown(list):
    """A notebook's outputs: each a list of what it showed, one after the other."""

    def display(self, bundle, *, raw, display_id):
        assert raw and display_id
        self.append([bundle])
        return SimpleNamespace(update=lambda bundle, raw: self[-1].append(bundle))


@pytest.fixture
def notebook(monkeypatch):
    """A notebook's kernel as far as it is asked: its shell, and what it displays."""
    shown = Shown()
    shell = SimpleNamespace(kernel=object())
    ipython = SimpleNamespace(get_ipython=lambda: shell)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=shown.display))
    return shown


def test_a_reading_shows_each_component_with_its_kind_and_uncertainty():
    parts = (
        ComponentReading("cpu", "rapl:0", 10.0, Kind.MEASURED, Scope.PACKAGE, 0.5, 0.05),
        ComponentReading(
            "gpu", HOSTILE, None, Kind.UNAVAILABLE, Scope.BOARD, warnings=(f"lost {HOSTILE}",)
        ),
    )
    shown = Page(Reading(parts, 2.5, frozenset({"rapl:0"}))._repr_html_())
    assert shown.text.startswith("10.0 J measured in 2.5 s")
    assert "cpu 10.0 J ± 1.00 J measured package rapl:0 yes" in shown.text
    assert f"gpu n/a n/a unavailable board {HOSTILE} no" in shown.text
    assert f"lost {HOSTILE}" in shown.text
    assert not shown.scripts
    assert {each.get("scope") for each in shown.with_tag("th")} == {"col", "row"}


def test_an_unknown_part_makes_the_total_unknown():
    part = ComponentReading("gpu", "nvml:0", None, Kind.UNAVAILABLE, Scope.BOARD)
    shown = Page(Reading((part,), 1.0, frozenset({"nvml:0"}))._repr_html_())
    assert shown.text.startswith("n/a unavailable in 1 s")


def test_a_result_shows_verdict_strategies_and_where_its_report_is(table, tmp_path, monkeypatch):
    analysis = table.compare()
    folder = tmp_path / "my run"
    monkeypatch.chdir(tmp_path)
    html = Result(folder, {}, analysis, table)._repr_html_()
    shown = Page(html)
    assert shown.text.startswith(analysis.headline)
    assert HOSTILE in shown.text and not shown.scripts
    [link] = shown.with_tag("a")
    assert link["href"] == "my run/report.html"
    monkeypatch.chdir(Path(__file__).parent)
    [link] = Page(Result(folder, {}, analysis, table)._repr_html_()).with_tag("a")
    assert link["href"] == (folder / "report.html").as_uri()


def test_a_study_shows_its_claims_beside_the_papers(table, tmp_path):
    claim = Claim(f"Twice as dear {HOSTILE}.", Quantity(2.0), Quantity(2.1, 1.9, 2.3), True, "")
    study = SimpleNamespace(paper="A. Writer, 2023")
    analysis = table.compare()
    found = perjoule.StudyResult(tmp_path, study, Findings((claim,)), analysis, table)
    shown = Page(found._repr_html_())
    assert shown.text.startswith("The finding of A. Writer, 2023, holds here.")
    assert f"Twice as dear {HOSTILE}. 2 2.10 [1.90, 2.30] holds here" in shown.text


def test_this_is_no_notebook():
    assert not notebooks.is_notebook()


def test_a_terminal_of_ipython_is_none_either(monkeypatch):
    ipython = SimpleNamespace(get_ipython=SimpleNamespace)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    assert not notebooks.is_notebook()


def test_a_script_prints_nothing_and_a_notebook_shows_how_a_replay_goes(
    table, monkeypatch, capsys, request
):
    frame = table.trials.drop(columns="run").assign(lr=[0.1, 0.2, 0.3, 0.4] * 2)
    recorded = perjoule.load_table(frame, params="lr")
    options = {"strategies": ["random"], "seeds": 3, "match": "nearest", "workers": 1}
    options |= {"budget": "4 J per run", "search_energy": "none"}
    perjoule.replay(recorded, **options)
    assert capsys.readouterr() == ("", "")
    shown = request.getfixturevalue("notebook")
    perjoule.replay(recorded, **options)
    printed = capsys.readouterr()
    assert "Searched: lr" in printed.out and printed.err == ""
    [output] = shown
    assert len(output) > 1
    assert output[-1] == {"text/html": output[-1]["text/html"], "text/plain": ""}


def test_an_output_is_drawn_anew_in_its_place(notebook):
    live = NotebookLive(Console())
    live.start()
    live.update(f"[b]1 of 2 {HOSTILE}", refresh=True)
    live.update("not drawn: a moment ago")
    live.update("2 of 2")
    live.stop()
    [output] = notebook
    assert [each["text/plain"] for each in output] == ["", f"[b]1 of 2 {HOSTILE}", "2 of 2"]
    assert not Page(output[1]["text/html"]).scripts
