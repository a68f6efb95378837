"""What grows with a comparison, and what does not."""

import json
import pickle
import random
from concurrent.futures import Future

import pytest

from perjoule.benchmarks.comparison.blocks import read_blocks
from perjoule.benchmarks.comparison.events import End, EndEvent, InterruptedEvent, SliceEvent
from perjoule.benchmarks.comparison.experiment import Experiment
from perjoule.benchmarks.comparison.flights import Flight, Flights
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.benchmarks.comparison.ledger import Ledger, read_events
from perjoule.benchmarks.comparison.messages import Job, Setting
from perjoule.benchmarks.comparison.records import Records
from perjoule.benchmarks.comparison.run import restore_runs
from perjoule.benchmarks.comparison.turns import Turns
from perjoule.errors import OutputError
from perjoule.models.outcome import State

EXPERIMENT = Experiment(strategies=["random", "tpe"], seeds=3, budget="1 kJ", meter="model")
RUNS = [f"{strategy}-{seed}" for seed in range(3) for strategy in ("random", "tpe")]


def slice_of(run, trial, state=State.COMPLETE, energy_j=1.0):
    score, nonce = 0.5 + trial / 1000, f"{run}:{trial}:{state}"
    return SliceEvent(
        run=run, trial=trial, state=state, params={"width": trial}, score=score, energy_j=energy_j,
        nonce=nonce, message="", energy_kind="modelled",
    )  # fmt: skip


@pytest.fixture
def events():
    """Six runs by turns; some trials pause and go on, some slices are lost."""
    found, draw = [], random.Random(0)
    for trial in range(12):
        for run in RUNS:
            if draw.random() < 0.2:
                lost = InterruptedEvent(
                    run=run, trial=trial, params=None, energy_j=1.0, message="it was killed"
                )
                found.append(lost)
            if draw.random() < 0.3:
                found.append(slice_of(run, trial, State.PAUSED))
            found.append(slice_of(run, trial))
    return found


@pytest.fixture
def folder(tmp_path, events):
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        for event in events:
            ledger.append(event)
    return Folder(tmp_path)


def job_of(run):
    return Job(
        run.name, run.strategy, run.seed, run.n_trials, run.n_slices(run.n_trials), run.untold, 0,
        run.past, 1.0, 1.0, None,
    )  # fmt: skip


def test_a_job_goes_on_elsewhere_from_what_the_ledger_tells_and_does_not_grow(folder, events):
    runs = restore_runs(EXPERIMENT, events[: len(events) // 2], folder.ledger)
    early = {name: job_of(run) for name, run in runs.items()}
    for event in events[len(events) // 2 :]:
        runs[event.run].apply(event)
    jobs = [*early.values(), *map(job_of, runs.values())]
    sent = [pickle.dumps(job) for job in jobs]
    assert max(map(len, sent)) - min(map(len, sent)) < 64  # lost slices alone are listed
    records = Records(Setting(EXPERIMENT, {}, folder.path))
    for job, text in zip(jobs, sent, strict=True):
        there = pickle.loads(text)
        assert not there.history.is_here
        records.find(there)
        assert list(there.history) == list(job.history)
        assert there.history[-1] == job.history[-1]
        for trial in range(13):
            same = [told for told in job.history if told.trial == trial]
            assert there.history.of(trial) == same
            assert there.slices_of(trial) == job.slices_of(trial)


def test_a_worker_without_the_whole_ledger_says_so(folder, events, monkeypatch):
    monkeypatch.setattr("perjoule.benchmarks.comparison.records.SEEN_S", 0.0)
    runs = restore_runs(EXPERIMENT, [*events, slice_of("tpe-0", 12)], folder.ledger)
    job = pickle.loads(pickle.dumps(job_of(runs["tpe-0"])))
    with pytest.raises(OutputError, match="do the workers share the run folder"):
        Records(Setting(EXPERIMENT, {}, folder.path)).find(job)


@pytest.mark.parametrize("size", [1, 100, 1_000])
def test_a_ledger_is_the_same_in_blocks_of_any_size(folder, events, size):
    path = folder.ledger
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"torn')
    blocks = list(read_blocks(path, size=size))
    assert [block.links[0] for block in blocks[1:]] == [b.links[-1] for b in blocks[:-1]]
    assert blocks[-1].end == len(whole)
    lines = [json.loads(line) for block in blocks for line in block.events]
    assert [line["nonce"] for line in lines] == [event.nonce for event in events]
    assert read_events(path) == events


def test_the_run_that_has_spent_least_is_next_however_its_place_changed(events):
    runs = restore_runs(EXPERIMENT, (), None)
    flights, draw = dict.fromkeys(runs, 0), random.Random(1)
    turns = Turns(runs, lambda run: flights[run.name] if flights[run.name] < 2 else None)
    for n, event in enumerate(events):
        runs[event.run].apply(event)
        other = draw.choice(RUNS)
        flights[other] = draw.randrange(3)
        if n > 40 and not n % 9:
            runs[other].apply(EndEvent(run=other, reason=End.SPENT))
        turns.touch([event.run, other])
        free = [run for run in runs.values() if run.end is None and flights[run.name] < 2]
        least = min(free, key=lambda run: (flights[run.name], run.spent_j), default=None)
        assert turns.next() is least


def test_flights_come_back_once_in_the_order_in_which_they_ended(events):
    run = restore_runs(EXPERIMENT, events, None)["tpe-0"]
    flights, futures = Flights(), [Future() for _ in range(4)]
    for future in futures:
        flights.add(future, Flight((job_of(run),), 0.0))
    for future in (futures[2], futures[0]):
        future.set_result(())
    assert flights.wait(0.0) == [futures[2], futures[0]]
    flights.pop(futures[2])
    assert len(flights.of("tpe-0")) == len(flights) == 3
    futures[3].set_result(())
    flights.clear()
    assert not flights.wait(0.0)  # it was given up before
    assert not flights.of("tpe-0")
