"""Signs of life, tickets and checkpoints in an object store."""

import sys
import threading

import fsspec
import pytest

import perjoule
from perjoule.benchmarks.comparison import heartbeat
from perjoule.benchmarks.comparison.exchange import StoredFile, check_store, claim
from perjoule.benchmarks.comparison.executors import InlineExecutor
from perjoule.errors import ConfigurationError

from . import careless
from .careless import Careless
from .ledgers import read_ledger, spent_j

URL = "memory://bucket/run"


@pytest.fixture(autouse=True)
def store(monkeypatch):
    """An empty store; a sign of life before every step, so that a death hides nothing."""
    monkeypatch.setattr(heartbeat, "STORE_PULSE_S", 0.0)
    monkeypatch.setattr(heartbeat, "PULSE_S", 0.0)
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield memory
    memory.store.clear()


def compare(folder, executor, **options):
    return careless.compare(folder, executor, shared=URL, **options)


@pytest.mark.parametrize("ways", [("fine", "rerun", "twice"), ("fine", "lost", "cancelled")])
def test_each_joule_is_charged_once_through_a_store(tmp_path, store, ways):
    executor = Careless(1, ways)
    result = compare(tmp_path / "run", executor)
    assert result.summary["status"] == "complete"
    assert executor.deaths > 1
    assert sum(spent_j(result.folder).values()) == pytest.approx(executor.spent_j, rel=1e-9)
    lost = [e for e in read_ledger(result.folder) if e["event"] == "interrupted"]
    failed = [e for e in read_ledger(result.folder) if e.get("state") == "failed"]
    assert len(lost) + len(failed) == executor.deaths
    assert not (result.folder / "inflight").exists()
    assert not [name for name in store.store if "probe" in name or "claims" in name]


def test_states_of_paused_trials_are_in_the_store(tmp_path, store):
    seen = []

    def train(trial):
        seen.extend(name for name in store.store if name.endswith(".pt"))
        state = trial.restore() or {"n": 0}
        for _ in trial.epochs():
            trial.count_operations(1e7)
            state["n"] += 1
            trial.report(accuracy=trial.params["rate"])
            trial.save(state)

    result = perjoule.compare(
        out=tmp_path / "run", executor=InlineExecutor(), shared=URL, objective=train, seeds=1,
        strategies=["asha"], space=careless.SPACE | {"epochs": 9}, budget="0.2 J", meter="model",
        workers=1,
    )  # fmt: skip
    assert seen
    assert not (result.folder / "checkpoints").exists()
    assert not [name for name in store.store if name.endswith(".pt")]  # the run is over


def test_of_all_who_claim_a_ticket_one_has_it():
    ticket = StoredFile(URL) / "inflight" / "tpe-0.0.ab.ask"
    ticket.touch()
    had, start = [], threading.Barrier(8)

    def try_it():
        start.wait()
        try:
            claim(ticket)
            had.append(True)
        except FileNotFoundError:
            pass

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert had == [True]
    with pytest.raises(FileNotFoundError):
        claim(ticket)


def test_a_store_that_writes_over_what_is_there_is_refused(store, monkeypatch):
    check_store(URL)
    opened = type(store).open
    monkeypatch.setattr(
        type(store), "open", lambda s, path, mode, **k: opened(s, path, mode.replace("x", "w"), **k)
    )
    with pytest.raises(ConfigurationError, match="writes over what is there, so a job might begin"):
        check_store(URL)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"shared": "bucket"}, "--shared bucket: no URL: give s3://"),
        ({"shared": "nonsense://bucket"}, "cannot be used: Protocol not known: nonsense"),
        ({"shared": "file://bucket"}, "no absolute path: give file:///FOLDER"),
        ({"shared": "file:///proc/none"}, "cannot be used: No such file"),
        ({"shared": "s3://bucket"}, "pip install s3fs"),
        ({"executor": "dask"}, "the memory of this process, which no worker sees"),
        ({"parallel_trials": 2}, "leave --shared, or --parallel-trials and --fuse, out"),
        ({"executor": None}, "leave it out, or name an --executor"),
    ],
)
def test_what_a_store_cannot_be_used_for_is_refused(tmp_path, given, says, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    options = {"executor": Careless(0), "shared": URL, "strategies": ["random"], "seeds": 1}
    with pytest.raises(ConfigurationError, match=says):
        perjoule.compare(out=tmp_path / "run", meter="model", budget="9 J", **options | given)
    assert not (tmp_path / "run").exists()


def test_a_comparison_goes_on_with_the_store_it_was_begun_with(tmp_path):
    executor = Careless(0, ("fine",))
    folder = compare(tmp_path / "run", executor, strategies=["random"]).folder
    for other in (None, "memory://other"):
        with pytest.raises(ConfigurationError, match=f"begun with --shared {URL}: resume it so"):
            perjoule.compare(
                out=folder, resume=True, executor=executor, objective=executor.train, shared=other
            )


def test_a_folder_elsewhere_is_shared_by_its_url(tmp_path):
    """It is made, and each joule is charged once whatever the executor does."""
    executor, folder = Careless(1, ("fine", "rerun", "twice")), tmp_path / "shared" / "digits"
    result = careless.compare(tmp_path / "run", executor, shared=folder.as_uri())
    assert executor.deaths > 1
    assert sum(spent_j(result.folder).values()) == pytest.approx(executor.spent_j, rel=1e-9)
    assert folder.is_dir()
    assert not [each for each in folder.rglob("*") if each.is_file()]


def test_what_is_over_starts_no_worker(tmp_path):
    executor = Careless(0, ("fine",))
    folder = compare(tmp_path / "run", executor, strategies=["random"]).folder
    before = read_ledger(folder)
    result = perjoule.compare(out=folder, resume=True, executor=None, shared=URL)
    assert result.summary["status"] == "complete"
    assert read_ledger(folder) == before
