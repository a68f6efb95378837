"""Reading a ledger while somebody else writes it."""

import json
import shutil

import pytest

from perjoule.benchmarks.comparison.ledger import Ledger, read_events
from perjoule.benchmarks.comparison.tail import LedgerTail
from perjoule.errors import OutputError


def search(n):
    from perjoule.benchmarks.comparison.events import SearchEvent

    return SearchEvent(run="a-0", energy_j=float(n))


@pytest.fixture
def ledger(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as written:
        for n in range(6):
            written.append(search(n))
    return path


def test_each_line_is_read_once_at_whatever_byte_the_writing_stands(ledger, tmp_path):
    whole, grown = ledger.read_bytes(), tmp_path / "grown.jsonl"
    tail, found = LedgerTail(grown), []
    assert tail.read() == []
    for at in range(0, len(whole) + 7, 7):
        grown.write_bytes(whole[:at])
        new = tail.read()
        assert len(found) + len(new) == whole[:at].count(b"\n")
        found += new
    assert found == read_events(ledger)
    assert tail.read() == []


def test_a_ledger_that_changed_under_the_reader_is_refused(ledger, tmp_path):
    tail = LedgerTail(ledger)
    tail.read()
    other = tmp_path / "other.jsonl"
    shutil.copy(ledger, other)
    other.replace(ledger)
    with pytest.raises(OutputError, match="replaced by another file"):
        tail.read()
    ledger.unlink()
    with pytest.raises(OutputError, match="was removed while it was watched"):
        tail.read()


def test_a_line_that_does_not_follow_the_last_one_read_is_refused(ledger):
    tail = LedgerTail(ledger)
    tail.read()
    [*_, last] = ledger.read_text().splitlines()
    forged = json.loads(last) | {"n": 7, "energy_j": 99.0}
    with ledger.open("a") as file:
        file.write(json.dumps(forged) + "\n")
    with pytest.raises(OutputError, match="line 7: damaged"):
        tail.read()
