from dataclasses import replace

from perjoule.benchmarks.analysis.facts import Ranks
from perjoule.reports.figures.palette import look_of
from perjoule.reports.figures.ranks import ranks_chart

RANKS = Ranks(
    statistic=9.3,
    p=0.02,
    n_groups=10,
    strategies={"b": 3.1, "a": 1.2, "c": 2.0, "<i>d": 3.7},
    critical_difference=1.25,
    cliques=(("a", "c"), ("c", "b"), ("b", "<i>d")),
    conclusive=True,
    reason="They differ.",
)


def drawn(ranks):
    """The figure, and its bars over strategies that cannot be told apart."""
    figure = ranks_chart(ranks, "equal_energy", look_of(ranks.strategies)).figure
    return figure, [trace for trace in figure.data if trace.line.width == 6]


def test_the_words_name_the_metric_and_the_reason():
    chart = ranks_chart(RANKS, "equal_energy", look_of(RANKS.strategies))
    assert (chart.name, chart.title) == ("ranks-equal_energy", "Mean ranks: equal energy")
    assert chart.label == "Mean ranks by equal energy: b 3.10, a 1.20, c 2.00, <i>d 3.70."
    assert list(chart.notes) == ["They differ."]


def test_names_stand_in_the_order_of_their_ranks():
    figure, _ = drawn(RANKS)
    names = [label.split()[0] for label in figure.layout.yaxis.ticktext]
    assert names == ["a", "c", "b", "&lt;i&gt;d"]
    markers = [trace.x[0] for trace in figure.data if trace.marker.size == 11]
    assert markers == [1.2, 2.0, 3.1, 3.7]


def test_no_leader_crosses_another():
    figure, _ = drawn(RANKS)
    leaders = [trace for trace in figure.data if trace.line.width == 1.5]
    ranks, rows = [line.x[0] for line in leaders], [line.y[1] for line in leaders]
    assert ranks == sorted(ranks)
    assert rows == sorted(rows)


def test_a_bar_covers_each_clique_and_no_two_bars_meet():
    _, bars = drawn(RANKS)
    spans = [(bar.x[0], bar.x[1], bar.y[0]) for bar in bars]
    assert [(round(low, 2), round(high, 2)) for low, high, _ in spans] == [
        (1.17, 2.03),
        (1.97, 3.13),
        (3.07, 3.73),
    ]
    for i, (low, high, y) in enumerate(spans):
        for other_low, other_high, other_y in spans[i + 1 :]:
            assert y != other_y or high < other_low or other_high < low


def test_the_critical_difference_is_drawn_to_scale():
    figure, _ = drawn(RANKS)
    (bar,) = [trace for trace in figure.data if trace.line.width == 2]
    assert bar.x[1] - bar.x[0] == 1.25
    assert figure.layout.annotations[0].text == "CD 1.25"


def test_without_one_there_is_no_bar():
    figure, bars = drawn(replace(RANKS, critical_difference=None, cliques=()))
    assert not bars
    assert not figure.layout.annotations


def test_equal_ranks_and_many_strategies_draw():
    names = [f"s{i}" for i in range(24)]
    figure, bars = drawn(
        replace(RANKS, strategies=dict.fromkeys(names, 12.5), cliques=(tuple(names),))
    )
    assert len(figure.layout.yaxis.ticktext) == 24
    assert len(bars) == 1
