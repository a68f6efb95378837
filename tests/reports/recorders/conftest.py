"""One comparison, recorded as it went; and the same one, stopped on the way and gone on with."""

import importlib.util
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

import perjoule

OWN = """
from math import prod
from torch import nn

def build(shape, n_classes, width, depth):
    if depth > 2:
        raise ValueError("too deep")
    return nn.Sequential(nn.Flatten(), nn.Linear(prod(shape), width), nn.ReLU(),
                         nn.Linear(width, n_classes))
"""
EXPERIMENT = {
    "strategies": ["random", "asha"],
    "seeds": 1,
    "budget": "16 mJ",
    "meter": "model",
    "workers": 1,
    "architecture": "own:build",
    "space": {
        "width": [8, 16],
        "depth": [1, 2, 3],
        "learning_rate": [1e-3, 0.03],
        "log2_batch_size": 6,
        "epochs": 4,
    },
}


class Notes(perjoule.Recorder):
    """Keeps all that it is told."""

    def __init__(self):
        self.begun, self.ended, self.seen, self.finished = [], [], [], []

    def begin(self, comparison):
        self.begun.append(comparison)
        self.ended.clear()

    def trials(self, ended):
        self.ended.extend(ended)

    def standing(self, present):
        self.seen.append(present)

    def finish(self, finished):
        self.finished.append(finished)


class CtrlC:
    """Is pressed once there are a few trials."""

    def begin(self, experiment, sources, workers):
        self.pressed = False

    def update(self, runs, inflight_j):
        if not self.pressed and sum(run.n_trials for run in runs) >= 4:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)

    def note(self, sentence):
        pass

    def stopping(self):
        pass


@dataclass
class Recorded:
    """A comparison, and what its recorders have."""

    result: perjoule.Result
    notes: Notes
    home: Path


def names(home):
    """All recorders whose library is there."""
    found = ["optuna", f"prometheus:{home}/perjoule.prom"]
    found += [name for name in ("mlflow", "wandb") if importlib.util.find_spec(name)]
    if importlib.util.find_spec("tensorboard"):
        found.append(f"tensorboard:{home}/boards")
    if importlib.util.find_spec("trackio"):
        found.append(f"trackio:{home.name}")
    return found


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The comparison that went on to its end at once, and the one that was resumed."""
    root = tmp_path_factory.mktemp("recorded")
    (root / "own.py").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root)
        patch.setattr("perjoule.benchmarks.comparison.recording.EVERY_S", 0.0)
        patch.setattr("perjoule.benchmarks.comparison.recording.SHARE", 1e9)
        patch.setenv("TRACKIO_DIR", str(root / "trackio"))
        for name in ("MLFLOW_TRACKING_URI", "WANDB_API_KEY", "WANDB_DIR", "TRACKIO_SPACE_ID"):
            patch.delenv(name, raising=False)
        patch.setenv("WANDB_MODE", "offline")
        yield _at_once(root / "whole"), _resumed(root / "resumed")


def _at_once(home):
    home.mkdir()
    notes = Notes()
    record = [notes, *names(home)]
    result = perjoule.compare(out=home / "run", record=record, **EXPERIMENT)
    assert result.unrecorded == ()
    return Recorded(result, notes, home)


def _resumed(home):
    home.mkdir()
    first = perjoule.compare(out=home / "run", record=names(home), progress=CtrlC(), **EXPERIMENT)
    assert first.interrupted and first.unrecorded == ()
    notes = Notes()
    record = [notes, *names(home)]
    result = perjoule.compare(out=home / "run", resume=True, record=record, trust=True)
    assert not result.interrupted and result.unrecorded == ()
    return Recorded(result, notes, home)
