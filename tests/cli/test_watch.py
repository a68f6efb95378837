"""Watching a run folder from another terminal."""

import json
import os
import shutil
import time
from dataclasses import replace

import pytest

import perjoule
from perjoule.benchmarks.comparison.events import SliceEvent
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.benchmarks.comparison.following import Follower, Phase
from perjoule.benchmarks.comparison.heartbeat import SignOfLife
from perjoule.benchmarks.comparison.ledger import Ledger, read_events

from ..command import call

TINY = {
    "dataset": "synthetic:8x8x1:3:90",
    "strategies": ["random", "asha"],
    "seeds": 2,
    "budget": "unlimited",
    "trials": 4,
    "meter": "model",
    "workers": 1,
    "space": {"width": {"low": 8, "high": 12}, "epochs": {"low": 1, "high": 3}},
}


@pytest.fixture(scope="module")
def over(tmp_path_factory):
    """A comparison that ran to its end."""
    return perjoule.compare(out=tmp_path_factory.mktemp("watch") / "over", **TINY)


@pytest.fixture
def grown(over, tmp_path):
    """A folder whose ledger grows as it did, by as many bytes as one likes."""
    folder = tmp_path / "grown"
    folder.mkdir()
    shutil.copy(over.folder / "experiment.yaml", folder)
    whole = (over.folder / "ledger.jsonl").read_bytes()
    (folder / "ledger.jsonl").touch()

    def grow(n_bytes):
        with (folder / "ledger.jsonl").open("ab") as file:
            at = file.tell()
            file.write(whole[at : at + n_bytes])
        return len(whole) - at - n_bytes > 0

    return folder, grow


def hold(folder, text=None):
    text = text or f"process {os.getpid()} on {os.uname().nodename}, since 2026-11-27 00:00:00"
    (folder / ".holder").write_text(text)


def listing(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}


def test_what_is_seen_at_the_end_is_what_the_analysis_finds(over):
    state = Follower(over.folder, "98%").look().state
    [group] = over.analysis.groups
    assert state.target == group.target.score
    for each in state.strategies:
        own = group.strategies[each.strategy]
        assert each.states == own.states
        assert each.hits == own.energy_to_target.hits
        assert each.target_j == pytest.approx(own.energy_to_target.ert_j)
        assert each.search_share == pytest.approx(own.search_share)
    assert state.spent_j == pytest.approx(sum(run["spent_j"] for run in over.summary["runs"]))
    assert (state.done, state.over, state.failures) == (1.0, 4, None)


def test_a_growing_ledger_is_followed_and_nothing_is_written(grown):
    folder, grow = grown
    hold(folder)
    before = listing(folder)
    follower = Follower(folder, "98%")
    assert follower.look().phase is Phase.STARTING
    seen, goes_on = [], True
    while goes_on:
        goes_on = grow(500)  # mostly within a line
        seen.append(follower.look())
        assert seen[-1].phase is Phase.RUNNING
    trials, spent_j = (
        [getattr(each.state, name) for each in seen if each.state] for name in ("trials", "spent_j")
    )
    assert trials == sorted(trials) and spent_j == sorted(spent_j) and trials[-1] > 3
    (folder / ".holder").unlink()
    assert follower.look().phase is Phase.OVER
    written = {path.name for path in listing(folder).keys() - before.keys()}
    assert written == set()


def test_slices_in_flight_count_until_the_ledger_has_them(grown):
    folder, grow = grown
    hold(folder)
    follower = Follower(folder, "98%")
    while not (state := follower.look().state) or not state.trials:
        grow(400)
    sign = SignOfLife("asha-0", 0, 7, {"epochs": 3}, 1.5, pid=1, epoch=2, nonce="new")
    (folder / "inflight").mkdir()
    (folder / "inflight" / "asha-0.0.new.json").write_bytes(sign.to_text())
    (folder / "inflight" / "torn.json").write_bytes(b'{"sum": "0')
    now = follower.look().state
    assert now.spent_j == pytest.approx(state.spent_j + 1.5)
    [flight] = now.flights
    assert (flight.run, flight.trial, flight.epoch, flight.epochs) == ("asha-0", 7, 2, 3)
    first = json.loads((folder / "ledger.jsonl").read_text().splitlines()[1])
    charged = SignOfLife(first["run"], 0, 0, {}, 9.0, nonce=first["nonce"])
    (folder / "inflight" / "asha-0.0.new.json").write_bytes(charged.to_text())
    assert follower.look().state.spent_j == pytest.approx(state.spent_j)


def test_how_far_it_is_and_how_long_it_takes_is_known_from_the_ledger_alone(grown):
    folder, grow = grown
    hold(folder)
    grow(9000)
    follower = Follower(folder, "98%")
    state = follower.look().state
    assert 0 < state.done < 1
    assert state.left_s is None  # what was seen of it took too short a time
    events = read_events(folder / "ledger.jsonl")
    now_s = time.time() - 10 * len(events)
    (folder / "ledger.jsonl").unlink()
    (folder / "ledger.seal").unlink(missing_ok=True)
    with Ledger(folder / "ledger.jsonl") as slowed:
        for n, event in enumerate(events):
            is_slice = isinstance(event, SliceEvent)
            slowed.append(replace(event, started_at=now_s + 10 * n) if is_slice else event)
    slow = Follower(folder, "98%").look().state
    assert slow.left_s == pytest.approx(10.0 * (16 - 16 * slow.done), rel=0.3)


@pytest.mark.parametrize(
    ("holder", "phase"),
    [
        (None, Phase.DIED),
        (f"process 999999999 on {os.uname().nodename}, since", Phase.DIED),
        ("process 1 on elsewhere, since now", Phase.RUNNING),
    ],
)
def test_who_is_alive_is_told_by_who_holds_the_folder(grown, holder, phase):
    folder, grow = grown
    grow(3000)
    if holder:
        hold(folder, holder)
    assert Follower(folder, "98%").look().phase is phase
    assert not (folder / ".lock").exists()
    if phase is Phase.RUNNING:  # of another machine only signs tell
        for path in folder.iterdir():
            os.utime(path, (time.time() - 60, time.time() - 60))
        assert Follower(folder, "98%").look().phase is Phase.DIED


def test_a_process_that_got_the_number_of_the_holder_later_is_not_it(grown):
    folder, grow = grown
    grow(3000)
    hold(folder)
    os.utime(folder / ".holder", (1e9, 1e9))
    assert not Folder(folder).is_in_use


def test_a_finished_comparison_is_told_with_its_verdict(over):
    before = listing(over.folder)
    ended = call("watch", over.folder)
    assert ended.code == 0
    assert "The comparison is over." in ended.out
    assert over.analysis.headline in ended.out.replace("\n", " ")
    assert f"Report: {over.report}" in ended.out
    told = json.loads(call("watch", over.folder, "--json").out)
    assert (told["phase"], told["state"]["runs"], told["said"]) == (
        "over",
        4,
        "The comparison is over.",
    )
    assert listing(over.folder) == before


def test_one_that_died_says_how_to_go_on(grown):
    folder, grow = grown
    grow(3000)
    ended = call("watch", folder)
    assert ended.code == 0
    assert "nothing is alive" in ended.out
    assert f"perjoule compare --resume --out {folder}" in ended.out


def test_names_and_messages_of_a_stranger_steer_nothing(grown):
    folder, _ = grown
    text = (folder / "experiment.yaml").read_text()
    (folder / "experiment.yaml").write_text(text.replace("asha", r"own:Evil\e[2J"))
    text = (folder / "experiment.yaml").read_text()
    ended = call("watch", folder)
    assert "\x1b" not in ended.out + ended.err


def test_what_is_no_run_folder_is_refused_in_a_line(tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        ended = call("watch", path)
        assert ended.code == 2 and str(path) in ended.message
    file = tmp_path / "trials.parquet"
    file.touch()
    (tmp_path / "experiment.yaml").write_text("experiment: {dataset: digits}\n")
    assert "is no folder" in call("watch", file).message
    assert "holds a recorded table" in call("watch", tmp_path).message  # and is not damaged


def test_a_study_is_watched_with_its_parts(over, tmp_path):
    study = tmp_path / "study"
    (study / "parts").mkdir(parents=True)
    shutil.copytree(over.folder, study / "parts" / "one")
    record = {
        "study": "stranger:CODE",
        "options": {},
        "created": "2026-11-27",
        "perjoule": "1",
        "estimate": {"duration_s": 9.0, "energy_j": 1.0, "trials": 9},
        "idle": [],
        "idle_s": 1.0,
        "before_cores": 0.0,
        "parts": {
            name: {"duration_s": 4.5, "energy_j": None, "trials": 4} for name in ("one", "two")
        },
    }
    (study / "study.yaml").write_text(json.dumps(record))
    told = json.loads(call("watch", study, "--json").out)
    assert (told["phase"], told["n_parts"], [*told["parts"]]) == ("stopped", 2, ["one"])
    assert told["done"] == pytest.approx(0.5)
    assert "perjoule study stranger:CODE --resume" in told["said"]
    hold(study)
    assert json.loads(call("watch", study, "--json").out)["phase"] == "running"
    assert "part 1 of 2 (one)" in call("watch", study, "--once").out
