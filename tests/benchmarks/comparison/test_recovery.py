"""Who is to blame when a worker dies: its own slice, and no other."""

import json

import pytest

from perjoule.benchmarks.comparison.events import End, EndEvent, InterruptedEvent, SearchEvent
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.benchmarks.comparison.heartbeat import SignOfLife
from perjoule.benchmarks.comparison.recovery import lost_slices
from perjoule.benchmarks.comparison.run import Run
from perjoule.models.outcome import State


@pytest.fixture
def lose(tmp_path):
    """Lose slices in flight: each run's candidate (None: it was asked) and its worker's pid."""
    folder = Folder(tmp_path)
    folder.inflight.mkdir()
    runs: dict[str, Run] = {}

    def lose(flying, died=None, *, may_fail=True):
        for name, (params, pid) in flying.items():
            run = runs.setdefault(f"{name}-0", Run(strategy=name, seed=0))
            number = run.n_idle_asks if params is None else run.n_slices(run.n_trials)
            sign = SignOfLife(run.name, number, run.n_trials, params, 2.0, pid=pid)
            (folder.inflight / f"{name}.json").write_text(json.dumps(sign.to_dict()))
        events = []
        for event in lost_slices(folder, runs, "lost", may_fail=may_fail, died=died or {}):
            runs[event.run].apply(event)
            events.append(event)
        for file in folder.inflight.iterdir():
            file.unlink()
        return {event.run: event for event in events}, runs

    return lose


def test_a_candidate_that_ends_its_process_twice_has_failed_and_its_neighbours_have_not(lose):
    flying = {"random": ({"width": 8}, 11), "tpe": ({"width": 9}, 22)}
    events, runs = lose(flying, {11: 9})
    assert events["random-0"].message == "its worker died (exit code 9)"
    assert "another worker died" in events["tpe-0"].message
    assert {type(event) for event in events.values()} == {InterruptedEvent}
    for _ in range(2):
        lose(flying, {11: -11})
    events, runs = lose(flying, {11: -11})
    assert runs["random-0"].failure == "its worker died (killed by SIGSEGV)"
    assert [told.state for told in runs["random-0"].history] == [State.FAILED, State.FAILED]
    assert not runs["tpe-0"].history  # however often it was beside one
    assert [run.spent_j for run in runs.values()] == [8.0, 8.0]  # all that was lost is charged


def test_a_strategy_that_ends_its_process_ends_its_run(lose):
    events, runs = lose({"tpe": (None, 22), "mine:S": (None, 33)}, {33: 3})
    assert events["mine:S-0"] == EndEvent(
        run="mine:S-0",
        reason=End.STRATEGY_ERROR,
        message="while it was asked, its worker died (exit code 3)",
    )
    assert (runs["mine:S-0"].spent_j, runs["mine:S-0"].unplaced_j) == (2.0, 2.0)
    assert runs["tpe-0"].end is None
    for _ in range(2):  # nobody knows whose worker died, as of another's executor
        events, runs = lose({"tpe": (None, None)})
    assert runs["tpe-0"].end is End.STRATEGY_ERROR


def test_who_kills_a_comparison_blames_nobody(lose):
    for _ in range(4):
        lose({"random": ({"width": 8}, 11)}, may_fail=False)
    _, runs = lose({"random": ({"width": 8}, 11)}, may_fail=False)
    assert not runs["random-0"].history
    assert runs["random-0"].spent_j == 10.0
    events, runs = lose({"random": ({"width": 8}, 11)}, {11: 9})
    assert isinstance(events["random-0"], InterruptedEvent)  # the first that it is to blame for
    assert not isinstance(events["random-0"], SearchEvent)
