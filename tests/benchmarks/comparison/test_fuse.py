"""Comparisons whose candidates are trained as stacks: `--fuse`."""

import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

import perjoule
from perjoule.errors import ConfigurationError
from perjoule.models import fused

from ..conftest import SMALL, SPACE
from .ledgers import read_ledger, spent_j

FUSED = {**SMALL, "strategies": ["random", "asha"], "seeds": 1, "budget": "0.6 J", "fuse": 4}


def slices(folder):
    return [event for event in read_ledger(folder) if event["event"] == "slice"]


@pytest.fixture(scope="module")
def stacked(tmp_path_factory):
    return perjoule.compare(out=tmp_path_factory.mktemp("fused") / "run", **FUSED)


def test_stacks_share_the_budget_and_every_trial_is_charged_once(stacked):
    by_hand_j = spent_j(stacked.folder)
    for run in stacked.summary["runs"]:
        own = stacked.trials[stacked.trials["run"] == run["run"]]
        assert run["status"] == "spent"
        assert run["spent_j"] == pytest.approx(by_hand_j[run["run"]], rel=1e-9)
        assert 0.7 * 0.3 < run["spent_j"] <= 0.3 * 1.01
        assert sorted(own["trial"]) == list(range(len(own)))
    assert not (stacked.folder / "inflight").exists()
    told = " ".join(stacked.summary["analysis"]["notes"])
    assert "were trained in stacks of up to 4, whose joules are split evenly" in told
    assert "not comparable" not in told


def test_joules_of_a_stack_are_apportioned_and_those_of_one_candidate_its_own(stacked):
    kinds = Counter(event["energy_kind"] for event in slices(stacked.folder))
    assert kinds["apportioned+modelled"] >= 8
    assert set(kinds) <= {"apportioned+modelled", "modelled"}
    for event in slices(stacked.folder):
        # One operation of `model` is 0.1 nJ: the joules of a stack are those of its operations.
        assert event["energy_j"] == pytest.approx(1e-10 * event["operations"], rel=1e-6)


def test_candidates_of_a_batch_have_one_shape_and_are_others(stacked):
    own = [event for event in slices(stacked.folder) if event["run"] == "random-0"]
    shape = ("conv_blocks", "width", "log2_batch_size")
    for start in range(0, len(own) - 4, 4):
        batch = [event["params"] for event in own[start : start + 4]]
        assert len({tuple(params[name] for name in shape) for params in batch}) == 1
        assert len({params["learning_rate"] for params in batch}) == 4


def test_the_same_experiment_gives_the_same_trials(stacked, tmp_path):
    again = perjoule.compare(out=tmp_path / "run", **FUSED)
    facts = ["run", "trial", "energy_j", "score", "p.learning_rate"]
    assert again.trials[facts].equals(stacked.trials[facts])


def test_what_a_stack_cannot_do_is_done_alone(tmp_path, monkeypatch):
    def fails(*_):
        raise MemoryError("no room for four")

    monkeypatch.setattr(fused, "train_together", fails)
    result = perjoule.compare(out=tmp_path / "run", **{**FUSED, "strategies": ["random"]})
    states = Counter(event["state"] for event in slices(result.folder))
    assert states["interrupted"] >= 4
    assert states["complete"] >= 4
    [message] = {e["message"] for e in slices(result.folder) if e["state"] == "interrupted"}
    assert "its stack could not be trained (out of memory: no room for four)" in message
    trained = [e["trial"] for e in slices(result.folder) if e["state"] == "complete"]
    assert len(trained) == len(set(trained))


def test_finding_out_that_a_stack_does_not_pay_is_billed_to_its_trials(tmp_path, monkeypatch):
    def tries(*_):
        began_s = time.process_time()
        while time.process_time() < began_s + 0.4:
            pass
        return False

    monkeypatch.setattr(fused, "pays", tries)
    options = {**FUSED, "strategies": ["random"], "meter": "cpu_time:10", "budget": "12 J"}
    result = perjoule.compare(out=tmp_path / "run", **options, trials=4)
    events = slices(result.folder)
    assert len(events) == 4
    assert all(event["search_j"] > 0.9 for event in events)
    [run] = result.summary["runs"]
    assert run["spent_j"] > 4.0


def test_strategies_that_propose_no_batches_are_trained_one_by_one(tmp_path):
    options = {**FUSED, "strategies": ["tpe"], "budget": "0.2 J"}
    result = perjoule.compare(out=tmp_path / "run", **options)
    assert {event["energy_kind"] for event in slices(result.folder)} == {"modelled"}


def test_an_own_objective_has_no_stacks(tmp_path):
    with pytest.raises(ConfigurationError, match="leave fuse out"):
        perjoule.compare(objective=lambda trial: 0.5, out=tmp_path / "run", space=SPACE, fuse=2)


def test_an_unlimited_budget_cannot_be_shared_by_a_stack(tmp_path):
    with pytest.raises(ConfigurationError, match="leave parallel_trials and fuse out"):
        perjoule.compare(out=tmp_path / "run", **{**FUSED, "budget": "unlimited", "trials": 3})


@pytest.mark.kill
def test_a_stack_that_is_killed_is_charged_and_trained_again(tmp_path):
    folder = tmp_path / "run"
    options = {**FUSED, "strategies": ["random"], "budget": "2 J"}
    options |= {"space": {**SMALL["space"], "epochs": 200}}
    code = f"import perjoule; perjoule.compare(out={str(folder)!r}, **{options!r})"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        while len(list(folder.glob("inflight/random-0.*.json"))) < 4:
            assert process.poll() is None
            time.sleep(0.1)
        time.sleep(0.3)  # so that each of them has spent something
        process.send_signal(signal.SIGKILL)
    before = len(slices(folder)) if (folder / "ledger.jsonl").exists() else 0
    result = perjoule.compare(out=folder, resume=True)
    events = read_ledger(folder)
    lost = [event for event in events if event["event"] == "interrupted"]
    assert 4 <= len(lost) <= 5
    assert all(event["energy_j"] > 0 for event in lost)
    assert len(slices(folder)) > before
    [run] = result.summary["runs"]
    assert run["spent_j"] == pytest.approx(spent_j(folder)["random-0"], rel=1e-9)
