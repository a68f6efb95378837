"""Pages and figures of any metric: in its units, the way round that it is read."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from perjoule import load_table
from perjoule.benchmarks.analysis.analysing import analyse
from perjoule.benchmarks.analysis.naming import format_score
from perjoule.benchmarks.comparison.events import SliceEvent
from perjoule.benchmarks.comparison.experiment import Experiment
from perjoule.benchmarks.comparison.run import Run
from perjoule.models.metric import ACCURACY, METRICS, Metric
from perjoule.models.outcome import State
from perjoule.reports.figures.anytime import anytime_chart
from perjoule.reports.figures.attainment import attainment_chart
from perjoule.reports.figures.chart import Drawing
from perjoule.reports.figures.palette import look_of
from perjoule.reports.figures.pareto import pareto_chart
from perjoule.reports.figures.scales import scale_of
from perjoule.reports.page import render
from perjoule.reports.progress.comparing import ComparisonProgress
from perjoule.reports.terminal import print_analysis, print_best

from .pages import Page

RMSE, KAPPA = METRICS["rmse"], Metric("kappa", "maximize", -1.0, 1.0)


def study(metric, **columns):
    """Three strategies of five runs, in which later trials are better; conditional settings."""
    rng = np.random.default_rng(1)
    rows = [
        {
            "strategy": name,
            "seed": seed,
            "trial": trial,
            "energy_j": rng.lognormal(0, 0.3),
            "energy_kind": "modelled",
            "optimizer": "sgd" if trial % 2 else "adam",
            "momentum": 0.25 if trial % 2 else None,
            "score": 0.5,
        }
        for name in ("random", "tpe", "gp")
        for seed in range(5)
        for trial in range(6)
    ]
    table = load_table(pd.DataFrame(rows))
    level = 3.0 * 10 ** (
        -0.1 * table.trials["trial"].astype(float) - rng.uniform(0, 0.3, len(table.trials))
    )
    score = level if not metric.maximised else 1 - level / 3
    return dataclasses.replace(
        table,
        trials=table.trials.assign(**{"score": score, "test_score": 1.1 * score, **columns}),
        description={
            "metric": metric.to_dict(),
            "space": {
                "momentum": {"low": 0.1, "high": 0.9, "when": {"optimizer": "sgd"}},
            },
        },
    )


def page_of(table):
    page = Page(render(table, analyse(table)))
    page.told = page.text.replace("\u00a0", " ")
    return page


def test_a_page_of_a_minimised_metric_speaks_of_nothing_else():
    page = page_of(study(RMSE))
    for told in (
        "lowest validation rmse",
        "The target, rmse 0.",
        "given up by 2 % of its distance from the median random candidate",
        "down and to the left is better",
        "Above and to the right of a line lies",
        "rmse at 100 % of the energy",
        "test rmse",
        "98% of the way to the best from the median random candidate",
        "A run without a result by then has none and ranks last",
        "to 0; the energy is anything up to the dearest trial",
        "momentum 0.1 to 0.9, where optimizer is 'sgd'",
    ):
        assert told in page.told, told
    for never in ("accura", "per joule", " nan", "None"):
        assert never not in page.told
    titles = {figure["layout"]["yaxis"]["title"]["text"] for figure in page.figures[:3]}
    assert {title.replace("<br>", " ")[:32] for title in titles} == {
        "validation rmse (lower is better"
    }


def test_a_page_of_another_share_stays_in_percent():
    page = page_of(study(METRICS["f1"]))
    assert "f1 per joule from " in page.told
    assert page.figures[0]["layout"]["yaxis"]["title"]["text"] == "validation f1 (%)"
    assert "The target, " not in page.told
    assert "accura" not in page.told


@pytest.mark.parametrize("metric", [Metric("<b>x</b>"), KAPPA, METRICS["r2"], METRICS["loss"]])
def test_any_metric_renders_and_its_name_is_text(metric):
    page = page_of(study(metric))
    assert f"validation {metric.name}" in page.told
    assert not page.with_tag("b")
    assert all("<b>x" not in json.dumps(figure["layout"]) for figure in page.figures)


def test_nothing_known_of_a_metric_renders():
    assert "No rmse is recorded" in page_of(study(RMSE, score=np.nan, test_score=np.nan)).told


def test_curves_may_have_further_columns():
    table = study(RMSE)
    curves = pd.DataFrame(
        [
            (run, trial, epoch, epoch / 9, 4.0 / epoch, np.nan, 0.1, "x")
            for run in table.trials["run"].unique()
            for trial in range(6)
            for epoch in (1, 2, 4)
        ],
        columns=["run", "trial", "epoch", "energy_j", "score", "loss", "x.top5", "x.note"],
    )
    page = page_of(dataclasses.replace(table, curves=curves))
    assert page.told.count("4.000 to 1.000 in 3 epochs") == 3


def small(**columns):
    table = {"run": "a-0", "strategy": "a", "seed": 0, "trial": [0, 1, 2], "state": "complete"}
    table |= {"score": [3.0, 1.0, 2.0], "energy_j": [1.0, 10.0, 2.0], "energy_kind": "modelled"}
    return pd.DataFrame(table | columns)


def draw(chart, trials, *details, metric=RMSE):
    return chart(trials, Drawing(look_of(["a"]), ["a"], metric), *details).figure


def test_a_front_of_a_minimised_metric_falls():
    _, lost, front = draw(pareto_chart, small(score=[3.0, 1.0, np.nan])).data[:3]
    assert list(front.x) == [1.0, 10.0]
    assert list(front.y) == [3.0, 1.0]
    assert list(lost.y) == pytest.approx([0.975]), "no result is not the best one"
    assert "rmse n/a" in lost.hovertext[0]


def test_an_anytime_line_of_a_minimised_metric_falls():
    runs = [small(run=f"a-{i}", score=[3.0 + i, 2.0, 1.0 + i]) for i in range(3)]
    low, high, line, target = draw(anytime_chart, pd.concat(runs), 1.5).data
    assert list(line.y) == [4.0, 2.0, 2.0]
    assert list(low.y) == [5.0, 2.0, 2.0]
    assert list(high.y) == [3.0, 2.0, 1.0]
    assert list(target.y) == [1.5, 1.5]
    assert target.name == "target 1.500"
    assert line.hovertext[0].endswith("4.000 after 1.00 J<br>median of 3 runs")


def test_half_of_the_runs_attain_low_scores():
    runs = [small(run=f"a-{i}", score=[5.0 - i, 1.0, 2.0]) for i in range(3)]
    (line,) = draw(attainment_chart, pd.concat(runs)).data
    assert (list(line.x), list(line.y)) == ([1.0, 2.0, 10.0], [4.0, 2.0, 1.0])
    assert "a trial of 4.000 or less for 1.00 J or less" in line.hovertext[0]


@pytest.mark.parametrize(
    ("scores", "kind", "edges"),
    [
        ([1.0, 2.0, 3.0], "linear", (0.5, 3.5)),
        ([0.01, 0.2, 3.0, 5.0], "log", (0.001, 10.0)),
        ([1.0, 2.0, 3.0, -5.0], "linear", (-6.0, 4.0)),
        ([4.0, 4.0], "linear", (3.0, 5.0)),
    ],
)
def test_an_axis_holds_its_scores_the_natural_way_round(scores, kind, edges):
    axis = scale_of(scores, RMSE).axis()
    assert axis["type"] == kind
    low, high = np.asarray(axis["range"]) if kind == "linear" else 10 ** np.asarray(axis["range"])
    assert edges[0] < low < min(scores)
    assert max(scores) < high < edges[1]


def test_the_ticks_of_a_logarithmic_axis_say_their_whole_number():
    axis = scale_of([0.3, 0.9, 2.0, 20.0], RMSE).axis()
    assert {"0.5", "1", "2", "5", "10", "20"} <= set(axis["ticktext"])
    assert [float(text) for text in axis["ticktext"]] == axis["tickvals"]


def test_diverged_scores_do_not_hide_the_others():
    scores = [1.0, 1.5, 2.0, 2.5, 3.0, 1e30]
    scale = scale_of(scores, RMSE)
    assert 10 ** scale.axis()["range"][1] < 100
    assert "worse ones at the edge" in scale.axis()["title"]["text"]
    assert scale.place(scores)[-1] == scale.high
    assert list(scale.place(scores)[:-1]) == scores[:-1]
    turned = scale_of([-score for score in scores], Metric("m"))
    assert turned.place([-1e30]) == [turned.low]


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (0.41204, "0.4120"),
        (-12.3456, "-12.35"),
        (9.99996, "10.00"),
        (1234.5, "1,234"),
        (123456.0, "123,456"),
        (0.0, "0"),
        (2.5e-7, "2.500e-07"),
        (3.1e12, "3.100e+12"),
        (None, "n/a"),
        (float("inf"), "n/a"),
    ],
)
def test_a_score_has_four_digits(score, text):
    assert format_score(score, RMSE) == text
    assert format_score(0.978, ACCURACY) == "97.8 %"


def test_the_terminal_says_which_way_is_better_and_leaves_out_inactive_settings(capsys, tmp_path):
    print_analysis(analyse(study(RMSE)))
    told = capsys.readouterr().out
    assert told.startswith("rmse (lower is better) at shares of ")
    assert "The target, rmse 0." in told
    assert "%" not in told.split("J to rmse")[1].split("anytime")[0]
    incumbent = {"params": {"optimizer": "adam", "momentum": None}, "score": 0.5}
    incumbent |= {"test_score": 0.625, "found_at_j": 1.0, "energy_j": 1.0}
    print_best({"spent_j": 2.0, "trials": 3, "incumbent": incumbent}, tmp_path, RMSE)
    told = capsys.readouterr().out
    assert "Validation rmse 0.5000, test rmse 0.6250; found after 1.00 J" in told
    assert "momentum" not in told


def test_progress_tells_the_best_by_direction(capsys):
    experiment = Experiment(budget="10 J", strategies=["random"], seeds=3, metric=RMSE.to_dict())
    runs = [Run(strategy="random", seed=seed, metric=RMSE) for seed in range(3)]
    for run, score in zip(runs, (2.0, 0.5, None), strict=True):
        told = {"run": run.name, "trial": 0, "params": {}, "energy_j": 1.0, "message": ""}
        run.apply(SliceEvent(state=State.COMPLETE, score=score, **told))
    progress = ComparisonProgress()
    progress.begin(experiment, [], 1)
    progress.update(runs, {})
    assert capsys.readouterr().err.rstrip().endswith("best 0.5000")
