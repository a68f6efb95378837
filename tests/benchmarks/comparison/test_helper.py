"""How workers begin: with what their helper has loaded, metered once, and a core of their own."""

import json
import multiprocessing
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from perjoule.benchmarks.comparison import cores, helper
from perjoule.benchmarks.comparison.executors import spawn_executor
from perjoule.benchmarks.comparison.experiment import Experiment
from perjoule.benchmarks.comparison.machines import this_machine
from perjoule.benchmarks.comparison.messages import Prepared, Setting, merge
from perjoule.models.data import load, registry

LABELS = np.arange(60) % 3
TRAIN = """
import sys
from pathlib import Path
from perjoule.models.data import load
from perjoule.models.networks.cnn import cnn
from perjoule.models.operations import forward_operations
from perjoule.models.runtime import Runtime
from perjoule.models.training import build, train_epoch

data = load("digits", train_limit=100)
for optimizer in ("sgd", "adam", "adamw"):
    params = {"optimizer": optimizer}
    built = build(params, cnn, data.shape, data.n_classes, Runtime.detect("cpu"), 0)
    assert forward_operations(built.network, data.shape) > 0
    assert train_epoch(built, data.train, 0, 0, lambda: False).finished
    built.optimizer.load_state_dict(built.optimizer.state_dict())
assert not {"torch._dynamo", "sklearn", "pandas"} & set(sys.modules)
"""


@pytest.fixture
def pixels(tmp_path):
    """Writes a data set whose pixels are all of one value but one; returns its name."""

    def write(value):
        images = np.full((60, 6, 5, 1), value, np.uint8)
        images[0, 0, 0, 0] = 0
        np.savez(tmp_path / "mine.npz", x=images, y=LABELS)
        return f"npz:{tmp_path / 'mine.npz'}"

    yield write
    registry.forget()
    helper._loaded.clear()


def be_helper(monkeypatch, **wanted):
    monkeypatch.setenv(
        helper.VARIABLE, json.dumps({"comparison": "run", "meter": "model", **wanted})
    )
    helper.load_what_is_wanted()


def setting_in(token):
    return Setting(Experiment(), {}, Path("run"), token=token)


@pytest.mark.skipif(sys.platform != "linux", reason="workers are spawned here")
def test_a_worker_is_born_with_pytorch_and_trains_without_its_compiler():
    with spawn_executor(1) as pool:
        assert pool.submit(eval, "'torch' in __import__('sys').modules").result(timeout=60)
        pool.submit(exec, TRAIN).result(timeout=60)


def test_what_the_helper_read_is_for_its_comparison_alone(pixels, monkeypatch):
    name = pixels(100)
    be_helper(monkeypatch, dataset=name)
    first = load(name).fingerprint
    pixels(200)
    assert helper.loaded_j(setting_in("run")) == 0.0  # the model counts no operation in it
    assert load(name).fingerprint == first
    assert helper.loaded_j(setting_in("another run")) == 0.0
    assert load(name).fingerprint != first


def test_reading_is_metered(pixels, monkeypatch):
    be_helper(monkeypatch, dataset=pixels(100), meter="cpu_time:10")
    energy_j = helper.loaded_j(setting_in("run"))
    assert energy_j is not None
    assert energy_j > 0


@pytest.mark.parametrize("wrong", [{"dataset": "npz:/nowhere.npz"}, {"meter": "nvml"}], ids=str)
def test_what_cannot_be_read_or_metered_is_left_to_the_workers(pixels, monkeypatch, wrong):
    name = pixels(100)
    be_helper(monkeypatch, **{"dataset": name, **wrong})
    first = load(name).fingerprint
    pixels(200)
    assert load(name).fingerprint != first


def test_joules_for_all_workers_are_added_once():
    here = this_machine((), {})
    one = Prepared((), {}, {}, 1.0, {}, startup_j=3.0, pid=1, helper_j=2.0, machines=(here,))
    assert merge([one, replace(one, pid=2)]).startup_j == 3.0 + 3.0 + 2.0
    assert merge([replace(one, helper_j=None)]).startup_j is None


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no process can be bound here")
@pytest.mark.parametrize("spare", [0, 1])
def test_each_worker_has_a_core_of_its_own_if_all_are_taken(spare):
    usable = os.sched_getaffinity(0)
    dealt = cores.deal_cores(len(usable) + spare, multiprocessing.get_context("spawn"))
    taken = []
    for _ in usable:
        cores.take_core(dealt)
        with cores.on_own_core() as pinned:
            assert pinned == (not spare)
            taken.append(os.sched_getaffinity(0))
        assert os.sched_getaffinity(0) == usable
    assert taken == ([usable] * len(usable) if spare else [{core} for core in sorted(usable)])
    cores.take_core(None)
