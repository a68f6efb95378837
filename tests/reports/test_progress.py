"""Progress as people see it, in a terminal and elsewhere."""

import io

import pytest

from perjoule.benchmarks.comparison.state import ComparisonState, Failures, Flight, StrategyState
from perjoule.models.metric import ACCURACY
from perjoule.reports.progress.drawing import draw_state, plain_line
from perjoule.reports.progress.replaying import ReplayProgress

STRATEGY = StrategyState(
    strategy="tpe",
    runs=5,
    over=0,
    allotment_j=100.0,
    spent_j=44.0,
    trials=31,
    states={"complete": 28, "failed": 3},
    best=0.975,
    hits=2,
    target_j=12.0,
    search_share=0.05,
)
STATE = ComparisonState(
    budget_j=600.0,
    spent_j=264.0,
    done=0.44,
    left_s=41.0,
    trials=81,
    runs=30,
    over=0,
    best=0.975,
    target=0.95,
    target_is="98%",
    strategies=(STRATEGY,),
    flights=(Flight("tpe-0", 7, False, 1.5, 3, 20, 14.2, 4711),),
    failures=Failures(46, 81, "ValueError: \x1b[31mtoo deep\nat all", 40),
)


def drawn(state, **how):
    from perjoule.reports.progress.console import _Console

    out = io.StringIO()
    console = _Console(file=out, width=120, highlight=False, markup=False, force_terminal=False)
    console.print(draw_state(state, ACCURACY, **how))
    return out.getvalue()


def test_a_line_tells_the_share_of_the_budget_and_the_time_left():
    line = plain_line(STATE, ACCURACY)
    assert line == "44 % of the budget, about 41 s left: 264 J, 81 trials, best 97.5 %"


def test_the_drawing_tells_each_strategy_its_workers_and_why_trials_failed():
    told = drawn(STATE, workers=True)
    assert "44 %, about 41 s left, 264 J of 600 J" in told
    row = next(line.split() for line in told.splitlines() if line.startswith("tpe "))
    assert row[2:] == ["44.0", "J", "31", "28", "3", "97.5", "%", "12.0", "J", "(2/5)", "5.0", "%"]
    assert "3 of 20" in told and "about 14.2 J" in told and "4711" in told
    assert "46 of 81 trials failed; most often: ValueError: \\x1b[31mtoo deep." in told
    assert "\x1b" not in told


def test_unknown_joules_are_told_as_such():
    from dataclasses import replace

    lost = replace(STATE, spent_j=None, done=None, left_s=None)
    assert plain_line(lost, ACCURACY).startswith("n/a of the budget: n/a, 81 trials")
    assert "n/a of 600 J" in drawn(lost)


@pytest.mark.parametrize("left_s", [None, 75.0])
def test_a_replay_prints_a_line_now_and_then(capsys, monkeypatch, left_s):
    monkeypatch.setattr("perjoule.reports.progress.console.PLAIN_LINE_S", 0.0)
    with ReplayProgress() as progress:
        progress.update(3, 40, left_s)
    left = "" if left_s is None else ", about 75 s left"
    assert capsys.readouterr().err == f"3 of 40 runs{left}\n"


def test_a_replay_that_is_soon_over_says_nothing(capsys):
    with ReplayProgress() as progress:
        progress.update(3, 40, None)
    assert capsys.readouterr().err == ""
