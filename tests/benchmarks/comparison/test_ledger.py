import math
import resource

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
    with Ledger(path) as ledger:
        for event in EVENTS:
            ledger.append(event)
    content = path.read_bytes()
    kept = data.draw(st.integers(0, len(content)))
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


def test_a_missing_ledger_is_an_error(tmp_path):
    with pytest.raises(OutputError, match="is it a run folder"):
        read_events(tmp_path / "ledger.jsonl")
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
