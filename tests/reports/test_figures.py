import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.reports.figures.anytime import anytime_chart
from perjoule.reports.figures.attainment import attainment_chart
from perjoule.reports.figures.axes import compact, energy_axis
from perjoule.reports.figures.chart import Drawing
from perjoule.reports.figures.palette import look_of
from perjoule.reports.figures.pareto import pareto_chart
from perjoule.reports.figures.phases import phases_chart
from perjoule.reports.figures.spread import spread_chart


def small(**columns):
    table = {
        "run": ["a-0", "a-0", "a-0"],
        "strategy": ["a", "a", "a"],
        "seed": [0, 0, 0],
        "trial": [0, 1, 2],
        "state": ["complete", "truncated", "failed"],
        "score": [0.9, 0.99, np.nan],
        "energy_j": [1.0, 10.0, 2.0],
        "energy_kind": ["modelled", "modelled", "modelled"],
    }
    return pd.DataFrame(table | columns)


CHARTS = (pareto_chart, anytime_chart, phases_chart, attainment_chart, spread_chart)


def draw(chart, trials, *details, shown=None, **options):
    """The figure that a chart makes of a table."""
    names = list(dict.fromkeys(trials.get("strategy", ())))
    return chart(trials, Drawing(look_of(names), shown or names, **options), *details).figure


def shown_accuracy(trace):
    return list(1.0 - np.asarray(trace.y, dtype=float))


def test_every_energy_axis_names_unit_and_kind():
    titles = [draw(chart, small()).layout.xaxis.title.text for chart in CHARTS]
    assert titles == [
        "energy of the trial (J, modelled)",
        "energy of the run (J, modelled)",
        "energy per run (J, modelled)",
        "energy of the trial (J, modelled)",
        "energy of the trial (J, modelled)",
    ]


def test_an_axis_of_two_kinds_says_so():
    figure = draw(pareto_chart, small(energy_kind=["modelled", "measured+modelled", "lower bound"]))
    assert "(J, measured and modelled)" in figure.layout.xaxis.title.text


def test_states_are_told_apart_and_hyperparameters_are_in_the_hover():
    points, lost, front = draw(pareto_chart, small(**{"p.lr": [0.1, 0.2, 0.3]})).data[:3]
    assert list(points.marker.symbol) == ["circle", "circle-open"]
    assert "lr = 0.2" in points.hovertext[1]
    assert list(lost.x) == [2.0]
    assert "accuracy n/a" in lost.hovertext[0]
    assert "lr = 0.3" in lost.hovertext[0]
    assert list(front.x) == [1.0, 10.0]
    assert front.line.shape == "hv"


def test_the_front_leaves_out_dominated_trials():
    trials = small(state=["complete"] * 3, score=[0.9, 0.8, 0.95], energy_j=[1.0, 2.0, 3.0])
    front = draw(pareto_chart, trials).data[2]
    assert list(front.x) == [1.0, 3.0]
    assert shown_accuracy(front) == pytest.approx([0.9, 0.95])


def test_accuracy_axis_is_in_percent_and_better_is_higher():
    axis = draw(pareto_chart, small()).layout.yaxis
    assert axis.range[0] > axis.range[1]
    labels = dict(zip(axis.ticktext, axis.tickvals, strict=True))
    assert labels["90 %"] == pytest.approx(0.1)
    assert labels["99 %"] == pytest.approx(0.01)


@pytest.mark.parametrize("score", [0.0, 0.1, 0.5, 0.93, 0.9612, 0.999, 1.0])
def test_accuracy_axis_of_equal_accuracies_still_has_labels(score):
    axis = draw(pareto_chart, small(score=[score] * 3)).layout.yaxis
    high, low = axis.range
    assert any(low <= np.log10(tick) <= high for tick in axis.tickvals)
    assert ("100 %" in axis.ticktext) == (score == 1.0)


def test_anytime_line_is_the_median_of_the_runs():
    runs = [
        small(run=[f"a-{seed}"] * 3, state=["complete"] * 3, score=[base, 0.5, base + 0.1])
        for seed, base in enumerate((0.6, 0.7, 0.8))
    ]
    low, high, line, target = draw(anytime_chart, pd.concat(runs), 0.85).data
    assert list(line.x) == [1.0, 13.0], "a step line needs no point where nothing changes"
    assert shown_accuracy(line) == pytest.approx([0.7, 0.8])
    assert shown_accuracy(low) == pytest.approx([0.6, 0.7])
    assert shown_accuracy(high) == pytest.approx([0.8, 0.9])
    assert shown_accuracy(target) == pytest.approx([0.85, 0.85])
    assert {trace.line.shape for trace in (low, high, line)} == {"hv"}


def test_a_run_without_a_result_ranks_last():
    lost = small(run=["a-2"] * 3, score=[np.nan] * 3)
    late = small(run=["a-1"] * 3, score=[np.nan, 0.7, 0.7], energy_j=[4.0, 1.0, 1.0])
    low, _, line = draw(anytime_chart, pd.concat([small(), late, lost])).data
    assert line.x[0] == 5.0, "two of three runs have a result only then"
    assert shown_accuracy(line)[0] == pytest.approx(0.7)
    assert len(low.x) == 0


def test_a_run_with_a_lost_reading_counts_up_to_it():
    whole = small(state=["complete"] * 3, score=[0.8, 0.9, 0.95])
    lost = small(run=["a-1"] * 3, state=["complete"] * 3, energy_j=[1.0, np.nan, 1.0], score=0.6)
    line = draw(anytime_chart, pd.concat([whole, lost])).data[2]
    assert list(line.x) == [1.0, 11.0, 13.0]
    assert shown_accuracy(line) == pytest.approx([0.7, 0.9, 0.95])
    assert "median of 2 runs" in line.hovertext[0]
    assert "one run" in line.hovertext[1]


def test_a_failed_trial_is_shown_but_makes_no_front():
    trials = small(state=["complete", "complete", "failed"], score=[0.9, 0.95, 0.99])
    points, _, front = draw(pareto_chart, trials).data[:3]
    assert len(points.x) == 3
    assert list(front.x) == [1.0, 10.0]


def test_phases_add_up_and_name_what_is_not_metered():
    trials = small(
        energy_train_j=[0.5, 8.0, 1.0],
        energy_validate_j=[0.1, 1.0, 0.2],
        energy_setup_j=[0.1, 0.5, 0.2],
        energy_search_j=[np.nan] * 3,
    )
    figure = draw(phases_chart, trials)
    bars = {bar.name: bar.x[0] for bar in figure.data}
    assert bars == pytest.approx({"train": 9.5, "validate": 1.3, "setup": 0.8, "not split": 1.4})
    assert "not metered: search" in figure.data[0].y[0]
    chart = phases_chart(trials, Drawing(look_of(["a"]), ["a"]))
    assert list(chart.notes) == ["Not metered: search (a)."]


def test_phases_are_per_run():
    two = pd.concat([small(energy_train_j=1.0), small(run=["a-1"] * 3, energy_train_j=3.0)])
    assert draw(phases_chart, two).data[0].x[0] == pytest.approx(6.0)


@pytest.mark.parametrize(
    "trials",
    [
        pd.DataFrame(),
        small().iloc[:0],
        small().iloc[:1],
        small().iloc[2:],
        small(energy_j=[np.nan] * 3),
        small(score=[None] * 3, energy_kind=[None] * 3),
    ],
    ids=["no columns", "no rows", "one trial", "one failure", "no energy", "no accuracy"],
)
def test_sparse_tables_draw(trials):
    for figure in (draw(chart, trials) for chart in CHARTS):
        drawn = any(trace.x is not None and len(trace.x) for trace in figure.data)
        assert drawn or figure.layout.annotations, "an empty figure says that it is empty"
        assert json.loads(figure.to_json())["layout"]["xaxis"]["title"]["text"]


def test_names_from_users_are_text():
    name = '<a href="https://example.org">x</a>%{x}'
    trials = small(strategy=[name] * 3)
    for figure in (draw(chart, trials) for chart in CHARTS):
        text = figure.to_json().replace("\\u003c", "<")
        assert "&lt;a" in text
        assert "<a" not in text
        assert all(trace.hovertemplate is None for trace in figure.data)


def test_every_strategy_of_many_looks_different():
    looks = look_of([f"s{i}" for i in range(42)])
    assert len({(look.colour, look.symbol) for look in looks.values()}) == 42
    assert len({(look.colour, look.dash) for look in list(looks.values())[:30]}) == 30


def test_a_look_depends_on_the_position_alone():
    assert look_of(["a", "b"])["b"] == look_of(["x", "y", "z"])["y"]


def test_linked_trials_carry_their_places_for_the_page_to_tell_of():
    trials = small().set_axis([4, 7, 9])
    points, lost, front = draw(pareto_chart, trials, linked=True).data[:3]
    assert points.hovertext is None
    assert [list(t.customdata) for t in (points, lost, front)] == [[4, 7], [9], [4, 7]]


def test_the_joint_front_is_that_of_all_strategies_and_what_it_beats_is_shaded():
    b = small(strategy="b", run="b-0", score=[0.95, 0.98, 0.9], energy_j=[2.0, 20.0, 4.0])
    figure = draw(pareto_chart, pd.concat([small(), b], ignore_index=True))
    region, front = [trace for trace in figure.data if trace.name == "joint front"]
    assert list(front.x) == [1.0, 2.0, 10.0]
    assert shown_accuracy(front) == pytest.approx([0.9, 0.95, 0.99])
    corners = list(zip(region.x, region.y, strict=True))
    assert (2.0, front.y[0]) in corners, "between two trials the front is as good as the first"
    assert min(region.x) == 1.0
    assert max(region.x) > 20
    alone = draw(pareto_chart, small())
    assert sum(trace.name == "joint front" for trace in alone.data) == 1, "its own front is joint"


def test_equal_trials_are_one_point_of_a_front():
    front = draw(pareto_chart, small(state=["complete"] * 3, score=0.9, energy_j=1.0)).data[2]
    assert list(front.x) == [1.0]


def test_strategies_that_are_not_shown_stay_in_the_legend():
    trials = pd.concat([small(), small(strategy="b", run="b-0")])
    for chart in (pareto_chart, anytime_chart, attainment_chart):
        figure = draw(chart, trials, shown=["b"])
        seen = {t.name: t.visible for t in figure.data if t.legendgroup in ("a", "b")}
        assert seen == {"a": "legendonly", "b": True}


def test_the_attainment_surface_is_what_half_of_the_runs_attain():
    runs = [small(run=f"a-{i}", state="complete", score=[0.5 + i / 10, 0.9, 0.9]) for i in range(3)]
    (line,) = draw(attainment_chart, pd.concat(runs)).data
    assert list(line.x) == [1.0, 2.0]
    assert shown_accuracy(line) == pytest.approx([0.6, 0.9])
    assert line.line.shape == "hv"


@pytest.mark.parametrize(
    ("energies_j", "labels"),
    [
        ([3e4, 2e6, 4e6], {"20k", "50k", "1M", "2M", "5M"}),
        ([2e-5, 0.1, 40.0], {"10µ", "100µ", "1m", "10m", "100m", "1", "10"}),
        ([0.21, 0.3, 0.66], {"0.3", "0.4", "0.5", "0.6"}),
    ],
)
def test_an_energy_axis_has_a_few_short_labels(energies_j, labels):
    axis = draw(pareto_chart, small(energy_j=energies_j)).layout.xaxis
    assert labels <= set(axis.ticktext)
    seen = [tick for tick in axis.tickvals if min(energies_j) <= tick <= max(energies_j)]
    assert 3 <= len(seen) <= 8


def test_the_spread_holds_the_quartiles_of_all_trials():
    trials = pd.concat([small()] * 400).assign(energy_j=np.arange(1.0, 1201.0))
    box, dots = draw(spread_chart, trials).data
    assert (box.q1[0], box.median[0], box.q3[0]) == pytest.approx((300.75, 600.5, 900.25))
    assert len(dots.x) == 200
    assert set(dots.x) <= set(trials["energy_j"])


def test_few_trials_are_dots_without_a_box():
    assert [trace.type for trace in draw(spread_chart, small()).data] == ["scatter"]


def test_an_axis_of_any_energies_has_ticks_that_can_be_read():
    for low, high in ((1e-300, 1e300), (1e-9, 1e12), (1.0, 1e6), (2e-5, 3e-5), (0.1, 7.0)):
        ticks = energy_axis("", pd.Series([low, high])).get("tickvals", [])
        assert len(ticks) < 30, (low, high)
        assert len(ticks) > 3 or high < 2 * low


@given(st.lists(st.floats(-1e308, 1e308), min_size=1))
def test_compact_numbers_lose_no_place_of_a_figure(values):
    kept = compact(values)
    assert np.isfinite(kept).all()
    assert ((kept == 0) == (np.asarray(values) == 0)).all()
    assert kept == pytest.approx(values, rel=1e-6)
