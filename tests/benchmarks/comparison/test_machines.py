"""Several machines in one comparison: who trained where, what is refused, and what is told."""

import platform
from dataclasses import replace

import pytest

import perjoule
from perjoule.benchmarks.comparison.description import check_same_meter
from perjoule.benchmarks.comparison.executors import InlineExecutor
from perjoule.benchmarks.comparison.machines import Alike
from perjoule.energy import SourceInfo
from perjoule.errors import DataError, MeterError
from perjoule.reports.content import settings
from perjoule.reports.store import TrialStore

from . import careless
from .ledgers import read_ledger


class Machines(InlineExecutor):
    """Does jobs here, as if in turn on one machine and the other; the second one joins late."""

    def __init__(self, monkeypatch):
        self.n_workers, self._n_jobs = 1, 0
        monkeypatch.setattr(platform, "node", lambda: self.next_machine)

    @property
    def next_machine(self):
        return "ab"[self._n_jobs % 2 if self._n_jobs > 1 else 0]

    def submit(self, fn, /, *args, **kwargs):
        if fn.__name__ != "execute":
            return super().submit(fn, *args, **kwargs)
        from perjoule.benchmarks.comparison import executors

        if self._n_jobs == 3:
            executors.leave()  # the worker of the machine that joined begins
        future = super().submit(fn, *args, **kwargs)
        self._n_jobs += 1
        return future


@pytest.fixture
def result(tmp_path, monkeypatch):
    return _compare(tmp_path, monkeypatch, ["random", "sobol"])


def _compare(tmp_path, monkeypatch, strategies):
    def train(trial):
        for _ in trial.epochs():
            trial.count_operations(1e8)
            trial.report(accuracy=trial.params["rate"])

    with Machines(monkeypatch) as executor:
        return perjoule.compare(
            out=tmp_path / "run", executor=executor, objective=train, space=careless.SPACE,
            strategies=strategies, seeds=1, budget="0.8 J", meter="model",
        )  # fmt: skip


def test_strategies_have_their_share_of_every_machine(result):
    trials = result.trials
    assert set(trials["trained_on"]) == {"a", "b"}
    spent = trials.pivot_table("energy_j", "trained_on", "strategy", "sum")
    assert (spent.max(axis=1) / spent.min(axis=1)).max() < 1.8


def test_what_ran_where_is_told(result):
    events = read_ledger(result.folder)
    assert result.summary["machine"]["name"] == "a"
    [joined] = [event["machine"] for event in events if event["event"] == "machine"]
    assert joined["name"] == "b"
    assert joined["cores"] >= 1
    assert "operations" in joined["meter"]
    assert [m["name"] for m in result.table.description["machines"]] == ["a", "b"]
    assert set(result.trials["g.machine"]) == {"a + b"}
    [note] = [note for note in result.analysis.notes if "several machines" in note]
    assert "a (" in note
    assert note.count("operations") == 1  # the meter is the same on both
    assert "--by machine would tell none apart" in note
    again = perjoule.load_table(result.folder / "trials.parquet", by="machine")
    assert [by for by, _ in again.groups] == [{"machine": "a + b"}]


def test_trials_with_pauses_are_compared_by_machine(tmp_path, monkeypatch):
    result = _compare(tmp_path, monkeypatch, ["random", "asha"])
    assert result.table.slices is not None
    again = perjoule.load_table(result.folder, by="machine")
    assert [by for by, _ in again.groups] == [{"machine": "a + b"}]
    assert set(again.slices["g.machine"]) == {"a + b"}


def test_the_page_names_all_machines_and_where_each_trial_was_trained(result):
    page = TrialStore.of(result.table)
    assert "trained_on" in page.shown
    assert "g.machine" not in page.shown
    assert set(settings(result.table, result.analysis)["Machines"]) == {"a", "b"}


CPU = SourceInfo(id="cpu_time", component="cpu", kind="modelled", scope="process", detail="65 W")


def test_joules_of_other_meters_and_other_data_do_not_join():
    ours = Alike.of([CPU], {"fingerprint": "1"})
    ours.check(Alike.of([replace(CPU, detail="15 W")], {"fingerprint": "1"}), "there")
    measured = replace(CPU, id="rapl", kind="measured", scope="package")
    with pytest.raises(MeterError, match="on there meters cpu measured per package, and others"):
        ours.check(Alike.of([measured], {"fingerprint": "1"}), "there")
    with pytest.raises(DataError, match="on there has other data"):
        ours.check(Alike.of([CPU], {"fingerprint": "2"}), "there")


def test_another_machine_goes_on_if_it_counts_alike():
    begun = {
        "name": "run", "machine": {"name": "a"},
        "meter": [{"component": "cpu", "kind": "modelled", "scope": "process", "detail": "65 W"}],
    }  # fmt: skip
    other = replace(CPU, detail="15 W")
    check_same_meter(begun, [other], "b")
    with pytest.raises(MeterError, match="was metered by 65 W, but here it is 15 W"):
        check_same_meter(begun, [other], "a")
    with pytest.raises(MeterError, match="was metered by 65 W"):
        check_same_meter(begun, [replace(other, kind="measured")], "b")
