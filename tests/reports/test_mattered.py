"""The sections on what mattered, and on stopping earlier."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import perjoule
from perjoule import load_table
from perjoule.benchmarks.analysis.analysing import analyse
from perjoule.reports.page import render

from .pages import Page

RECORDED = Path(perjoule.__file__).parent / "benchmarks" / "recorded" / "fashion-mnist"
HOSTILE = "width</script><b onclick=alert(1)>"


def page_of(source):
    table = load_table(source)
    return Page(render(table, analyse(table)))


def made(count=40, **columns):
    rng = np.random.default_rng(0)
    rate, width = 10 ** rng.uniform(-4, -1, count), rng.uniform(8, 64, count)
    return pd.DataFrame(
        {
            "strategy": "random",
            "seed": 0,
            "energy_j": width,
            "score": 0.9 - 0.1 * (np.log10(rate) + 2) ** 2,
            "p.learning_rate": rate,
            f"p.{HOSTILE}": width,
            **columns,
        }
    )


def anchors(page):
    return {each.get("id", "").removesuffix("-0-section") for each in page.with_tag("section")}


@pytest.fixture(scope="module")
def recorded():
    return page_of(RECORDED)


def test_findings_are_told_in_words(recorded):
    text = recorded.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Of the variation of accuracy, learning_rate alone explains" in text
    assert "Of the variation of the joules, width alone explains" in text
    assert "At epoch 1 of 4, the ranks agree with the final ones to 0.92 [0.88, 0.95]." in text
    assert "Choosing there would have cost 26 % of the joules and 0.3 points of accuracy" in text


def test_figures_rely_on_more_than_colour(recorded):
    names = [each["id"] for each in recorded.with_tag("div") if "data-figure" in each]
    figures = dict(zip(names, recorded.figures, strict=False))
    bars = figures["importance-0"]["data"]
    assert len({bar["marker"]["pattern"]["shape"] for bar in bars}) == 2
    lines = [each for each in figures["agreement-0"]["data"] if "name" in each]
    assert len({each["marker"]["symbol"] for each in lines}) == 2
    assert {each["type"] for own in figures.values() for each in own["data"]} <= {
        *("bar", "box", "scatter"),
    }


def test_a_strangers_hyperparameter_is_text():
    page = page_of(made())
    assert "mattered" in anchors(page)
    assert HOSTILE in page.text
    assert "do not tell what their search cost apart" in page.text
    assert not [each for _, each in page.elements if "onclick" in each]
    assert "stopping" not in anchors(page)


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"state": "failed", "score": np.nan}, ""),
        ({"count": 1}, ""),
        ({"count": 8}, "What matters for accuracy cannot be told: known of 8 different candidates"),
        ({"energy_j": np.nan}, "What matters for the joules cannot be told"),
    ],
)
def test_what_cannot_be_told_is_said_or_left_out(columns, told):
    page = page_of(made(**columns))
    assert ("mattered" in anchors(page)) == bool(told)
    assert told in page.text
