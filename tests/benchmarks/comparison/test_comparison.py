"""The loop of a comparison: budgets, fairness, repeatability, and what breaks."""

import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pandas as pd
import psutil
import pytest

import perjoule
from perjoule.benchmarks.comparison.folder import Folder
from perjoule.errors import BudgetError, ConfigurationError, MeterError, OutputError

from ..conftest import SMALL
from .ledgers import cut, read_ledger, spent_j, wait_until

TIMES = ["duration_s", "started_at"]


def test_every_run_spends_its_allotment_and_no_more(small):
    summary = small.summary
    assert summary["status"] == "complete"
    assert {run["run"] for run in summary["runs"]} == {
        f"{name}-{seed}" for name in SMALL["strategies"] for seed in (0, 1)
    }
    by_hand_j = spent_j(small.folder)
    for run in summary["runs"]:
        assert run["status"] == "spent"
        assert run["spent_j"] == pytest.approx(by_hand_j[run["run"]], rel=1e-9)
        dearest_j = small.trials[small.trials["run"] == run["run"]]["energy_j"].max()
        allotment_j = summary["allotment_j"]
        assert allotment_j - dearest_j <= run["spent_j"] <= allotment_j * 1.01


def test_phases_and_components_add_up_to_the_trial(small):
    trials = small.trials
    phases = trials[[f"energy_{phase}_j" for phase in ("setup", "train", "validate")]]
    np.testing.assert_allclose(phases.sum(axis=1), trials["energy_j"], rtol=1e-9)
    np.testing.assert_allclose(trials["cpu_j"], trials["energy_j"], rtol=1e-9)
    assert trials["energy_search_j"].isna().all()  # not metered by counted operations: not 0
    assert trials["gpu_j"].isna().all()
    assert set(trials["energy_kind"]) == {"modelled"}


def test_the_run_that_has_spent_least_goes_first(small):
    spent = dict.fromkeys((run["run"] for run in small.summary["runs"]), 0.0)
    over = set()
    for event in read_ledger(small.folder):
        if event["event"] == "end":
            over.add(event["run"])
        elif event["event"] == "slice":
            assert spent[event["run"]] == min(spent[name] for name in spent if name not in over)
            spent[event["run"]] += event["energy_j"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    "workers", [1, pytest.param(2, marks=pytest.mark.thorough)], ids=["a thread", "two processes"]
)
def test_neither_executor_nor_other_runs_change_what_a_run_finds(small, tmp_path, workers):
    fewer = {"strategies": ["random", "tpe"], "seeds": 1, "budget": "0.4 J", "workers": workers}
    with ThreadPoolExecutor(1) as executor:
        own = executor if workers == 1 else None
        result = perjoule.compare(out=tmp_path / "run", executor=own, **SMALL | fewer)
    assert result.summary["work"]["workers"] == workers
    _assert_same_rows(small.trials, result.trials)
    _assert_same_rows(small.curves, result.curves)


def test_selection_is_on_validation_and_only_incumbents_are_tested(small):
    trials = small.trials
    best_so_far = trials.groupby("run")["score"].cummax()
    before = best_so_far.groupby(trials["run"]).shift().fillna(-1.0)
    assert (trials["test_score"].notna() == (trials["score"] > before)).all()


def test_a_budget_that_fits_no_trial_is_refused_with_what_one_costs(tmp_path):
    with pytest.raises(BudgetError, match=r"one epoch of the cheapest candidate costs .* give at"):
        perjoule.compare(out=tmp_path / "run", **(SMALL | {"budget": "1 mJ"}))
    assert not (tmp_path / "run").exists()


@pytest.mark.thorough
def test_a_resumed_run_proposes_what_an_uninterrupted_one_would(small, tmp_path):
    folder = _copy_of(small, tmp_path)
    cut(folder, 3 * len(read_ledger(folder)) // 4)
    result = perjoule.compare(out=folder, resume=True)
    assert len(result.trials) == len(small.trials)
    _assert_same_rows(small.trials, result.trials)


# What breaks ------------------------------------------------------------------------------------


SLOW = """
import os, time
from perjoule.models.networks.cnn import cnn
def build(shape, n_classes, **hyperparameters):
    network = cnn(shape, n_classes, **hyperparameters)
    if "SLOW" in os.environ:
        network.register_forward_pre_hook(lambda *_: time.sleep(0.03))
    return network
"""


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Starts the command line with two workers, and returns it once candidates are in training.

    Its candidates train slowly, so that it can be stopped in time; a resumed one's do not.
    """
    processes = []
    (tmp_path / "slow_network.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)

    def start(epochs, *arguments, side_by_side=1):
        folder, experiment = tmp_path / "run", tmp_path / "experiment.yaml"
        space = f"{{epochs: {epochs}, learning_rate: {{low: 0.01, high: 0.1}}}}"
        experiment.write_text(
            f"{{space: {space}, architecture: 'slow_network:build', meter: model, workers: 2, "
            f"parallel_trials: {side_by_side}}}"
        )
        command = [sys.executable, "-m", "perjoule", "compare", experiment, "--out", folder]
        path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        process = subprocess.Popen(
            [*map(str, command), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "SLOW": "1", "PYTHONPATH": path},
        )
        processes.append(process)
        wait_until(lambda: b"learning_rate" in b"".join(signs_of_life(folder)))
        return process, folder

    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def signs_of_life(folder):
    """What workers have written of the slices they train; they may be writing just now."""
    for file in folder.glob("inflight/*.json"):
        with suppress(FileNotFoundError):
            yield file.read_bytes()


@pytest.mark.campaign
@pytest.mark.kill
@pytest.mark.parametrize("side_by_side", [1, 2])
def test_killed_in_the_middle_and_resumed_nothing_is_lost_or_counted_twice(started, side_by_side):
    names, run_j = ("grid,random", 0.4) if side_by_side == 1 else ("grid", 0.8)
    options = ("--strategies", names, "--seeds", "1", "--budget", "0.8 J")
    process, folder = started(2, *options, side_by_side=side_by_side)
    ledger = folder / "ledger.jsonl"
    wait_until(lambda: ledger.read_bytes().count(b"\n") >= 2)

    def stands_still_inside_a_slice():
        process.send_signal(signal.SIGSTOP)  # the driver alone writes
        if b"learning_rate" in b"".join(signs_of_life(folder)):
            return True
        process.send_signal(signal.SIGCONT)
        return False

    wait_until(stands_still_inside_a_slice)
    process.kill()
    process.communicate()
    # Orphaned workers end by themselves.
    wait_until(lambda: not _alive_in_group(process.pid), 20)
    before = ledger.read_bytes()
    ledger.write_bytes(before + b'{"event": "slice", "run": "gri')

    result = perjoule.compare(out=folder, resume=True, workers=1)

    assert result.summary["status"] == "complete"
    assert ledger.read_bytes().startswith(before)
    assert any(event["event"] == "interrupted" for event in read_ledger(folder))
    trials, by_hand_j = result.trials, spent_j(folder)
    for run in result.summary["runs"]:
        own = trials[trials["run"] == run["run"]]
        assert sorted(own["trial"]) == list(range(len(own)))
        assert run["spent_j"] == pytest.approx(by_hand_j[run["run"]], rel=1e-9)
        assert run["spent_j"] <= run_j * 1.01
    assert not (folder / "inflight").exists()
    # What was lost was trained again, and nothing else was tried twice.
    tried = trials[trials["state"] != "interrupted"].groupby("run")["p.learning_rate"]
    assert (tried.nunique() == tried.size()).all()
    lost = trials[trials["state"] == "interrupted"].dropna(subset="p.learning_rate")
    assert set(lost["p.learning_rate"]) <= set(trials["p.learning_rate"][trials["score"].notna()])


@pytest.fixture
def compare_in_a_process(tmp_path, monkeypatch):
    """Compare in a worker of its own, which finds a module that the test writes."""
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.syspath_prepend(tmp_path)

    def compare(module, text, **options):
        (tmp_path / module).write_text(text)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as executor:
            return perjoule.compare(
                out=tmp_path / "run",
                executor=executor,
                **SMALL | {"strategies": ["grid"], "seeds": 1, "budget": "0.002 J"} | options,
            )

    return compare


DEADLY = """
import os, torch
def build(shape, n_classes, *, width=8, fate="fine"):
    if fate == "deadly":
        os._exit(9)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(shape[1] * shape[2], n_classes))
"""


@pytest.mark.campaign
@pytest.mark.kill
def test_a_candidate_that_kills_its_worker_fails_and_the_others_go_on(compare_in_a_process):
    # The first and the last of the choices are tried before the comparison begins.
    space = {"fate": ["fine", "deadly", "well"], "epochs": 1}
    result = compare_in_a_process(
        "deadly_network.py",
        DEADLY,
        architecture="deadly_network:build",
        space=space,
        workers=2,
        parallel_trials=2,
    )
    assert result.summary["status"] == "complete"
    trials = result.trials
    dead = trials[trials["p.fate"] == "deadly"]
    assert set(dead["state"]) == {"interrupted", "failed"}
    assert dead[dead["state"] == "failed"]["message"].str.contains("its worker died").all()
    alive = trials[trials["p.fate"] != "deadly"]
    assert (alive["state"] == "complete").any()
    assert (alive["state"] != "failed").all()  # though they may have been in flight beside it


@pytest.mark.kill
def test_workers_that_die_at_their_start_are_one_clear_error(compare_in_a_process, tmp_path):
    with pytest.raises(ConfigurationError, match=r"workers die when they start \(exit code 9\)"):
        compare_in_a_process("fatal.py", "import os\nos._exit(9)", architecture="fatal:build")
    assert not (tmp_path / "run").exists()


def test_a_strategy_that_raises_ends_its_run_alone(tmp_path, monkeypatch):
    (tmp_path / "moody.py").write_text(
        "class Moody:\n"
        "    def __init__(self, space, seed): self.space, self.told = space, 0\n"
        "    def ask(self, spent_j):\n"
        "        if self.told >= 2: raise RuntimeError('no more')\n"
        "        from perjoule import Work\n"
        "        return Work(self.space.cheapest(), 1)\n"
        "    def tell(self, result): self.told += result.energy_j < 1.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    options = SMALL | {"strategies": ["moody:Moody", "random"], "seeds": 1, "budget": "0.2 J"}
    result = perjoule.compare(out=tmp_path / "run", **options)
    moody, random = result.summary["runs"]
    assert (moody["status"], moody["trials"]) == ("strategy error", 2)
    assert "no more" in moody["reason"]
    assert random["status"] == "spent"
    assert any("moody:Moody-0 ended early" in sentence for sentence in result.analysis.notes)


def test_a_run_of_failures_ends_with_the_last_reason(tmp_path, monkeypatch):
    (tmp_path / "broken_network.py").write_text(
        "import torch\n"
        "def build(shape, n_classes, *, width=8):\n"
        "    if width > 8: raise ValueError('too wide')\n"
        "    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, n_classes))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    space = {"width": {"low": 8, "high": 1000}, "epochs": 1}
    options = SMALL | {"strategies": ["random"], "seeds": 1, "space": space}
    result = perjoule.compare(out=tmp_path / "run", architecture="broken_network:build", **options)
    [run] = result.summary["runs"]
    assert run["status"] == "failing"
    assert "ValueError: too wide" in run["reason"]


def test_two_drivers_do_not_share_a_folder(small):
    holder = Folder(small.folder).locked()
    with holder, pytest.raises(OutputError, match=r"in use by another perjoule \(process \d+ on "):
        perjoule.compare(out=small.folder, resume=True)


def test_a_resume_with_another_meter_is_refused(small, tmp_path):
    folder = _copy_of(small, tmp_path)
    cut(folder, -2)  # as if a run had not ended
    description = folder / "experiment.yaml"
    text = description.read_text()
    description.write_text(text.replace("1e-10 J per operation", "2e-10 J per operation"))
    with pytest.raises(MeterError, match=r"was metered by .* resume it where it was begun"):
        perjoule.compare(out=folder, resume=True)


def _copy_of(result, tmp_path):
    """A run folder that may be changed."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in ("experiment.yaml", "ledger.jsonl"):
        (folder / name).write_bytes((result.folder / name).read_bytes())
    return folder


def _assert_same_rows(whole, some):
    """The same rows of each run in the second; runs may take turns differently."""
    keep = [column for column in some if column not in TIMES]
    tables = [
        each[each["run"].isin(some["run"])].sort_values(["run", "trial"], kind="stable")
        for each in (whole, some)
    ]
    pd.testing.assert_frame_equal(*(each[keep].reset_index(drop=True) for each in tables))


def _alive_in_group(group):
    for process in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
    return False


def test_a_run_may_have_so_many_trials_instead_of_joules(tmp_path):
    result = perjoule.compare(
        strategies=["random", "asha"],
        budget="unlimited",
        trials=3,
        seeds=2,
        meter="model",
        out=tmp_path / "run",
        dataset="synthetic:8x8x1:3:90",
        workers=1,
    )
    trials = result.trials.groupby("run")["trial"].nunique()
    assert trials.to_dict() == dict.fromkeys(("random-0", "random-1", "asha-0", "asha-1"), 3)
    assert {run["status"] for run in result.summary["runs"]} == {"trials"}
    [group] = result.analysis.groups
    assert group.allotment_j is None and group.common_j
    assert not any("ended early" in note for note in result.analysis.notes)


def test_what_is_wrong_with_a_whole_experiment_is_said_without_quoting_it(tmp_path):
    with pytest.raises(ConfigurationError, match=r"^the experiment: an unlimited budget ends no"):
        perjoule.compare(budget="unlimited", out=tmp_path / "run")
