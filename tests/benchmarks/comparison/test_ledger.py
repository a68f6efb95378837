import json
import math
import resource
from os import truncate
from pathlib import Path
from shutil import copyfile

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule import load_table
from perjoule.benchmarks.comparison.events import End, EndEvent, SearchEvent, SliceEvent, StartEvent
from perjoule.benchmarks.comparison.ledger import Ledger, read_events
from perjoule.benchmarks.comparison.record import add_up, slice_table
from perjoule.benchmarks.tables.table import plain
from perjoule.benchmarks.tables.writing import write_frame
from perjoule.errors import OutputError
from perjoule.models.outcome import State

from ..samples import quick
from .ledgers import slice_event


def copy(path, to):
    return Path(copyfile(path, to))


EVENTS = [
    SearchEvent(run="größer\n-0", energy_j=1.5),
    EndEvent(run="a-0", reason=End.NO_WORK, message=""),
]
RESUMED = StartEvent(workers=2, startup_j=None)


@pytest.fixture
def path(tmp_path):
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        for event in EVENTS:
            ledger.append(event)
    return tmp_path / "ledger.jsonl"


def test_events_come_back_as_written(path):
    assert read_events(path) == EVENTS
    with Ledger(path) as ledger:
        ledger.append(RESUMED)
    assert read_events(path) == [*EVENTS, RESUMED]


@quick
@given(st.data())
def test_whatever_a_crash_leaves_is_whole_events_and_goes_on(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("crash") / "ledger.jsonl"
    written = data.draw(st.integers(0, len(EVENTS)))
    with Ledger(path) as ledger:
        for event in EVENTS[:written]:
            ledger.append(event)
    seal = path.with_suffix(".seal").read_bytes()
    before = path.stat().st_size
    with Ledger(path) as ledger:
        for event in EVENTS[written:]:
            ledger.append(event)
    content = path.read_bytes()
    path.with_suffix(".seal").write_bytes(data.draw(st.sampled_from([seal, b"", seal[:9]])))
    kept = data.draw(st.integers(before, len(content)))
    path.write_bytes(content[:kept])
    whole = EVENTS[: content[:kept].count(b"\n")]
    assert read_events(path) == whole
    with Ledger(path) as ledger:
        ledger.append(RESUMED)
    assert read_events(path) == [*whole, RESUMED]


@pytest.mark.parametrize(
    "damage",
    [
        b"{not json}",
        b"\xff\xfe",
        b"42",
        b"",
        b'{"event": "nonsense", "run": "a-0"}',
        b'{"run": "a-0", "energy_j": 1.0}',
        b'{"event": "search", "run": "a-0"}',
        b'{"event": "search", "run": "a-0", "energy_j": "much"}',
    ],
)
def test_damage_amid_the_file_is_named_and_not_skipped(path, damage):
    first, second = path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([first, damage, second, b""]))
    with pytest.raises(OutputError, match=r"ledger\.jsonl, line 2: damaged") as raised:
        read_events(path)
    assert "\n" not in str(raised.value)


LINES = 6


@pytest.fixture
def lines(path):
    """The lines of a longer ledger."""
    with Ledger(path) as ledger:
        for workers in range(3, LINES + 1):
            ledger.append(StartEvent(workers=workers, startup_j=0.5))
    return path.read_bytes().splitlines(keepends=True)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda x: [*x[:3], x[2], *x[3:]], "line 4: damaged (it repeats line 3)"),
        (lambda x: [*x[:2], *x[3:]], "line 3: damaged (line 3 is missing before it)"),
        (lambda x: x[3:], "line 1: damaged (lines 1 to 3 are missing before it)"),
        (lambda x: x[:4], "line 5: damaged (lines 5 to 6, once written whole, cut off at the end)"),
        (lambda x: [*x[:5], x[5][:40]], "line 6: damaged (line 6, once written whole, cut off"),
        (lambda x: [], "line 1: damaged (lines 1 to 6, once written whole, cut off"),
        (
            lambda x: [x[0], x[4], *x[2:4], x[1], x[5]],
            "line 2: damaged (it was line 5, and line 2 stands at 5: moved)",
        ),
        (
            lambda x: [*x[:3], x[3].replace(b"0.5", b"0.4"), *x[4:]],
            "line 4: damaged (it was changed after it was written)",
        ),
        (
            lambda x: [*x[:5], x[5].replace(b"0.5", b"5.0")],
            "line 6: damaged (it was changed after it was written)",
        ),
        (
            lambda x: [b'{"event": "start", "workers": 1, "startup_j": 1}\n', *x[1:]],
            "line 2: damaged (one of the 1 lines before it was changed after it was written)",
        ),
        (
            lambda x: [*x, b'{"event": "start", "workers": 1, "startup_j": 1}\n'],
            "line 7: damaged (not as perjoule wrote it: it has no number)",
        ),
        (lambda x: [*x[:2], b"\0" * 300 + b"\n", *x[3:]], "line 3: damaged (not as perjoule wrote"),
    ],
)
def test_every_line_that_is_not_the_one_written_there_is_said(path, lines, damage, said):
    path.write_bytes(b"".join(damage(lines)))
    for read in (read_events, Ledger):
        with pytest.raises(OutputError) as raised:
            read(path)
        assert said in str(raised.value)
        assert "nothing of it is used: restore a copy" in str(raised.value)
    assert path.read_bytes() == b"".join(damage(lines))


@quick
@given(st.integers(0), st.integers(1, 255))
def test_no_flipped_byte_changes_what_is_read(tmp_path_factory, at, flip):
    path = tmp_path_factory.mktemp("flip") / "ledger.jsonl"
    with Ledger(path) as ledger:
        for event in EVENTS:
            ledger.append(event)
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= flip
    path.write_bytes(content)
    with pytest.raises(OutputError, match=r"ledger\.jsonl, line \d: damaged"):
        read_events(path)


def test_a_ledger_of_an_earlier_version_is_read_and_gone_on_with(tmp_path):
    path = tmp_path / "ledger.jsonl"
    old = "".join(json.dumps(event.to_dict()) + "\n" for event in EVENTS)
    path.write_text(old + '{"event": "sea')
    with Ledger(path) as ledger:
        ledger.append(RESUMED)
    assert path.read_text().startswith(old + '{"n": 3, ')
    assert read_events(path) == [*EVENTS, RESUMED]
    path.write_text(path.read_text().replace("1.5", "0.5"))
    with pytest.raises(OutputError, match=r"line 3: .*one of the 2 lines before it was changed"):
        read_events(path)


@pytest.mark.parametrize("energy_j", ["-1.0", "NaN", "-Infinity", '"1.5"', "1e300", "true", "[]"])
@pytest.mark.parametrize("event", ["search", "interrupted", "slice"])
def test_joules_that_cannot_be_are_refused(tmp_path, event, energy_j):
    path = tmp_path / "ledger.jsonl"
    known = '"run": "a-0", "trial": 0, "state": "complete", "params": null, "message": ""'
    path.write_text(f'{{"event": "{event}", {known}, "energy_j": {energy_j}}}\n')
    with pytest.raises(OutputError, match=r"line 1: damaged \(.*energy_j = "):
        read_events(path)


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        (lambda path: path.unlink(), "was removed or moved"),
        (lambda path: path.rename(path.with_name("moved")), "was removed or moved"),
        (lambda path: truncate(path, 9), "was changed by somebody else while .* in doubt"),
        (lambda path: truncate(path, 999), "was changed by somebody else while .* in doubt"),
        (
            lambda path: copy(path, path.with_name("c")).replace(path),
            "was replaced by another file",
        ),
    ],
)
def test_a_ledger_that_somebody_takes_away_is_missed_at_once(path, meddle, said):
    with Ledger(path) as ledger:
        meddle(path)
        with pytest.raises(OutputError, match=said) as raised:
            ledger.append(SearchEvent(run="b-0", energy_j=2.0))
    unreadable = path.exists() and path.stat().st_size == 9
    told = "all its 2 events and one" if unreadable else "3.50 J of 3 events, the last one included"
    assert told in str(raised.value)


def test_a_missing_ledger_is_an_error(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with pytest.raises(OutputError, match="is it a run folder"):
        read_events(path)
    with Ledger(path) as ledger:
        ledger.append(RESUMED)
    path.unlink()
    for read in (read_events, Ledger):
        with pytest.raises(OutputError, match="was removed, and 1 events with it"):
            read(path)
    with pytest.raises(OutputError, match="cannot be written"):
        Ledger(tmp_path / "missing" / "ledger.jsonl")


@pytest.mark.parametrize(("energy_j", "value"), [(math.nan, 1), (1.0, object())])
def test_what_json_cannot_hold_is_refused_and_leaves_no_trace(path, energy_j, value):
    known = {"run": "a-0", "trial": 0, "state": State.COMPLETE, "message": ""}
    event = SliceEvent(**known, params={"x": value}, energy_j=energy_j)
    with Ledger(path) as ledger, pytest.raises((ValueError, TypeError)):
        ledger.append(event)
    assert read_events(path) == EVENTS


def test_a_full_disk_leaves_whole_events(path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Ledger(path) as ledger:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 10, limits[1]))
        try:
            with pytest.raises(OutputError, match="make room"):
                ledger.append(EVENTS[0])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert read_events(path) == EVENTS
        ledger.append(RESUMED)
    assert read_events(path) == [*EVENTS, RESUMED]


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_inactive_hyperparameters_stay_nulls_from_the_ledger_to_the_table(tmp_path, ending):
    candidates = [
        {"optimizer": "sgd", "k": 3, "nesterov": True, "momentum": 1.0, "never": None},
        {"optimizer": "adam", "k": None, "nesterov": None, "momentum": None, "never": None},
        {"optimizer": "sgd", "k": 0, "nesterov": False, "momentum": 0.0, "never": None},
    ]
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        for number, params in enumerate(candidates):
            event = {**slice_event("tpe-0", number, 0.5, 1.0), "params": params}
            ledger.append(SliceEvent.from_dict(event))
    events = read_events(path)
    assert [event.params for event in events] == candidates
    trials = add_up(slice_table(events), ["tpe-0"])
    assert trials["p.k"].dtype == "Int64"
    assert trials["p.nesterov"].dtype == "boolean"
    write_frame(trials, tmp_path / f"trials.{ending}")
    again = load_table(tmp_path / f"trials.{ending}").trials
    for name in candidates[0]:
        column = again.get(f"p.{name}", pd.Series([None] * 3))  # one that is null throughout
        assert [plain(value) for value in column] == [params[name] for params in candidates]
    assert again["p.k"].dtype == "Int64"
