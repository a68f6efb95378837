"""What is copied off the page, kept as a file, or dropped on it; and the way through it."""

import dataclasses
import json

import pytest

from perjoule.reports.page import render

from ..test_page import HOSTILE, analysed, comparison, study

EVIL = "</pre><script>alert(1)</script>"


@pytest.fixture(scope="module")
def table():
    return dataclasses.replace(comparison(), name=EVIL)


@pytest.fixture(scope="module")
def analysis(table):
    return analysed(table)


@pytest.fixture(scope="module")
def whole(table, analysis):
    return render(table, analysis)


@pytest.fixture(scope="module")
def opened(whole, share_page):
    return share_page(whole, drawn=False)


def dropped(page, name, text):
    """Drop a file on the page."""
    page.evaluate("document.querySelector('.drop output').textContent = ''")
    page.evaluate(
        """([name, text]) => {
          const data = new DataTransfer();
          data.items.add(new File([text], name, { type: "application/json" }));
          for (const type of ["dragover", "drop"]) {
            document.body.dispatchEvent(
              new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
          }
        }""",
        [name, text],
    )
    told = page.locator(".drop output:not(:empty)")
    told.wait_for()
    return told.text_content()


def test_the_verdict_is_copied_or_selected_where_there_is_no_clipboard(analysis, opened):
    page = opened.page
    page.evaluate("""() => {
      globalThis.written = [];
      Object.defineProperty(navigator, "clipboard", { configurable: true, value: {
        writeText: async (text) => { globalThis.written.push(text); } } });
    }""")
    page.click("[data-copy=verdict-text]")
    said = page.locator("[data-copied=verdict-text]")
    said.filter(has_text="Copied").wait_for()
    verdict = f"{analysis.headline} {analysis.because}"
    assert page.evaluate("globalThis.written") == [verdict]
    page.evaluate("""() => {
      Object.defineProperty(navigator, "clipboard", { configurable: true, value: undefined });
      document.execCommand = () => false;
    }""")
    page.click("[data-copy=verdict-text]")
    said.filter(has_text="Selected").wait_for()
    assert page.evaluate("String(getSelection())").strip() == verdict
    assert not opened.errors


def test_a_text_is_kept_as_a_file(opened):
    page = opened.page
    page.click("summary:has-text('booktabs')")
    with page.expect_download() as waiting:
        page.click("[data-save=export-latex]")
    assert waiting.value.suggested_filename == "results.tex"
    text = waiting.value.path().read_text(encoding="utf-8")
    assert text == page.locator("#export-latex").text_content()
    assert r"\begin{tabular}" in text
    assert EVIL not in text


def test_a_second_analysis_is_set_beside_the_page(table, opened):
    worse = table.trials.assign(energy_j=2 * table.trials["energy_j"])
    other = analysed(dataclasses.replace(table, trials=worse, name=HOSTILE)).to_dict()
    said = dropped(opened.page, "before.json", json.dumps({"analysis": other}))
    assert said == "Compared with before.json."
    text = opened.page.locator(".drop .found").inner_text().replace("\u00a0", " ")
    assert "2 times" not in text
    assert text.count("0.5 times, better") == 5, "joules of three runs, and to a target of two"
    assert HOSTILE in text, "a name is text"
    assert "expected joules to the target: better here for 2 of 2" in text
    assert not opened.page.locator(".drop b, .drop script").count()
    assert not opened.errors


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is no JSON"),
        ("[1]", "it is no analysis of perjoule"),
        ('{"schema": 1, "groups": []}', "its schema is 1, and that of this page is"),
        ('{"schema": SCHEMA, "groups": [{"strategies": {"a": 1}}]}', "it is damaged"),
        ('{"schema": SCHEMA, "groups": [{"strategies": {}}]}', "its metric is unknown"),
    ],
)
def test_what_is_no_analysis_is_refused_in_one_line(text, why, analysis, opened):
    text = text.replace("SCHEMA", str(analysis.schema))
    assert dropped(opened.page, f"{EVIL}.json", text).startswith(f"{EVIL}.json: {why}")
    assert not opened.page.locator(".drop table").count()
    assert not opened.errors


def test_an_analysis_of_other_strategies_or_another_metric_says_so(opened):
    other = analysed(study(("else",), seeds=2)).to_dict()
    assert "no strategy in common" in dropped(opened.page, "x.json", json.dumps(other))
    other["metric"]["name"] = "f1"
    assert "its metric is f1" in dropped(opened.page, "x.json", json.dumps(other))


def test_the_contents_lead_through_the_page_and_keep_beside_it(whole, open_page):
    page = open_page(whole, drawn=False).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.click(".contents a[href='#report-this']")
    page.wait_for_selector(".contents a[href='#report-this'][aria-current]")
    beside = page.locator(".contents").bounding_box()
    column = page.locator("#report-this").bounding_box()
    assert beside["x"] + beside["width"] <= column["x"]
    assert beside["y"] >= 0
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.locator(".contents").bounding_box()["width"] <= 390
