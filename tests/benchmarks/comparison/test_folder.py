"""Who writes to a run folder, and what happens to it meanwhile."""

import json
import math
import re
from concurrent.futures import ThreadPoolExecutor
from shutil import copytree, rmtree
from threading import Barrier

import pytest

import perjoule
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.errors import OutputError
from perjoule.reports.progress.comparing import ComparisonProgress

from ...command import call
from ...full_disk import disk, trained_joules
from .ledgers import cut, read_ledger

TINY = {
    "dataset": "synthetic:8x8x1:3:90",
    "strategies": ["random"],
    "seeds": 1,
    "meter": "model",
    "workers": 1,
    "budget": "unlimited",
    "trials": 3,
    "space": {"width": {"low": 8, "high": 12}, "epochs": {"low": 1, "high": 2}},
}


class Watcher:
    """Does something when a comparison begins or shows itself."""

    def __init__(self, begin=None, update=None):
        self._begin, self._update = begin, update

    def begin(self, *_):
        if self._begin:
            self._begin()

    def update(self, runs, _):
        if self._update and runs[0].n_trials:
            self._update()

    def stopping(self):
        pass


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


def content(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def test_an_error_of_the_driver_is_told_and_the_comparison_goes_on(folder):
    def fail():
        raise RuntimeError("no more ink")

    with pytest.raises(RuntimeError, match="no more ink"):
        perjoule.compare(out=folder, progress=Watcher(update=fail), **TINY)
    *_, last = read_ledger(folder)
    assert (last["event"], last["status"]) == ("session", "failed")
    assert last["message"] == "RuntimeError: no more ink"
    told = " ".join(call("watch", folder, "--once").out.split())
    assert "The comparison ended by an error (RuntimeError: no more ink)" in told
    perjoule.compare(out=folder, resume=True)
    assert read_ledger(folder)[-1]["status"] == "complete"


def test_the_loser_of_two_that_begin_at_once_changes_nothing(folder):
    won = {}

    def win():
        perjoule.compare(out=folder, **TINY)
        won.update(content(folder))

    with pytest.raises(OutputError, match="exists already: add --resume"):
        perjoule.compare(out=folder, progress=Watcher(begin=win), **TINY | {"seeds": 2})
    assert content(folder) == won


def test_one_of_many_gets_a_folder_and_the_others_say_who_has_it(folder):
    for _ in range(5):
        barrier = Barrier(4)

        def begin(number, barrier=barrier):
            own = Folder(folder)
            barrier.wait()
            try:
                with own.locked():
                    own.create({"name": number})
                    barrier.wait()
                    return number
            except OutputError as error:
                barrier.wait()
                return str(error)

        with ThreadPoolExecutor(4) as pool:
            told = list(pool.map(begin, range(4)))
        [winner] = [each for each in told if isinstance(each, int)]
        assert f"name: {winner}" in (folder / "experiment.yaml").read_text()
        assert sum("is in use by another perjoule" in str(each) for each in told) == 3
        assert (folder / ".lock").exists()  # else a third could lock a new one meanwhile
        assert not (folder / ".holder").exists()
        (folder / "experiment.yaml").unlink()


@pytest.mark.parametrize("all_of_it", [False, True])
def test_a_ledger_that_is_taken_away_ends_the_comparison(folder, monkeypatch, all_of_it):
    def take_away(*_):
        if folder.exists() and read_ledger(folder)[-1]["event"] == "slice":
            rmtree(folder) if all_of_it else (folder / "ledger.jsonl").unlink()

    monkeypatch.setattr(ComparisonProgress, "update", take_away)
    monkeypatch.chdir(folder.parent)
    (folder.parent / "e.yaml").write_text(json.dumps(TINY))
    ended = call("compare", "e.yaml", "--out", "run")
    assert ended.code == 2
    assert "ledger.jsonl: was removed or moved while it was written: " in ended.message
    assert re.search(r"of \d events, the last one included, are lost", ended.message)
    assert "nothing is lost" not in ended.err


def test_a_ledger_that_was_taken_away_is_missed_by_every_door(folder):
    perjoule.compare(out=folder, **TINY)
    (folder / "ledger.jsonl").unlink()
    for command in (["compare", "--resume", "--out"], ["report"], ["replay"], ["project"]):
        ended = call(*command, folder)
        assert (ended.code, ended.message.count("was removed, and 6 events with it")) == (2, 1)
    assert call("audit", folder).code == 2


@pytest.mark.parametrize("strategy", ["random", "asha"])
def test_a_full_disk_loses_no_joule(folder, strategy):
    options = TINY | {"strategies": [strategy]}
    with trained_joules() as joules:
        with disk(full_at=8), pytest.raises(OutputError, match=r"No space left.*--resume"):
            perjoule.compare(out=folder, **options)
        result = perjoule.compare(out=folder, resume=True)
    assert result.trials["energy_j"].sum() == pytest.approx(math.fsum(joules), rel=1e-9)
    assert len(joules) >= len(result.trials[result.trials["state"] != "interrupted"]) > 0
    assert not result.interrupted


@pytest.mark.parametrize(
    "damage",
    [
        *(b"", b"{", b"[]", b"null", b'"x"', b"3", b"{}", b"\0\0", b"[" * 5000),
        *(b'{"energy_j": -1}', b'{"energy_j": NaN}', b'{"energy_j": "1"}', b'{"energy_j": 1e400}'),
        *(b'{"run": "stranger-0"}', b'{"run": 3}', b'{"trial": -1}', b'{"number": 99}'),
    ],
)
def test_a_sign_of_life_of_a_wrong_shape_is_one_line(finished, tmp_path, damage):
    folder = copytree(finished, tmp_path / "run")
    cut(folder, 2)
    sign = {"run": "random-0", "number": 0, "trial": 1, "params": None, "energy_j": 0.5}
    if damage.startswith(b'{"'):
        damage = (json.dumps(sign)[:-1] + ", " + damage.decode()[1:]).encode()
    (folder / "inflight").mkdir()
    (folder / "inflight" / "random-0.0.json").write_bytes(damage)
    before = (folder / "ledger.jsonl").read_bytes()
    with pytest.raises(OutputError, match=r"inflight.*damaged") as raised:
        perjoule.compare(out=folder, resume=True)
    assert "\n" not in str(raised.value)
    assert (folder / "ledger.jsonl").read_bytes() == before


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return perjoule.compare(out=tmp_path_factory.mktemp("finished") / "run", **TINY).folder
