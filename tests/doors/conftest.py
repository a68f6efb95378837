"""One real run folder with everything that happens to trials, stopped by Ctrl-C on the way."""

import signal

import pytest

import perjoule
from perjoule.models.outcome import State

OWN = '''
from math import prod

import perjoule
from torch import nn

def build(shape, n_classes, width, depth):
    if depth > 2:
        raise ValueError("too deep")
    hidden = [part for _ in range(depth - 1) for part in (nn.Linear(width, width), nn.ReLU())]
    first = [nn.Flatten(), nn.Linear(prod(shape), width), nn.ReLU()]
    return nn.Sequential(*first, *hidden, nn.Linear(width, n_classes))

class Quitter:
    """Pauses a trial, trains another, and has no more work."""

    def __init__(self, space, seed):
        self._params, self._n_told = space.cheapest(), 0

    def ask(self, spent_j):
        work = perjoule.Work(self._params, 1, pause=self._n_told == 0)
        return work if self._n_told < 2 else None

    def tell(self, result):
        self._n_told += 1
'''

EXPERIMENT = {
    "strategies": ["random", "asha", "own:Quitter"],
    "seeds": 2,
    "budget": "90 mJ",
    "meter": "model",
    "workers": 1,
    "architecture": "own:build",
    "space": {
        "width": [8, 16, 32],
        "depth": [1, 2, 3],
        "learning_rate": [1e-3, 0.03],
        "log2_batch_size": 6,
        "epochs": {"low": 1, "high": 9},
    },
}
WANTED = {State.COMPLETE, State.FAILED, State.PAUSED, State.TRUNCATED}


class CtrlC:
    """Is pressed once trials of all kinds have ended, and some runs are over and some not."""

    def __init__(self):
        self.pressed = False

    def begin(self, experiment, sources, workers):
        pass

    def update(self, runs, inflight_j):
        states = {told.state for run in runs for told in run.history}
        over = [run.end is not None for run in runs]
        going = [run for run in runs if run.strategy == "asha" and run.end is None]
        if not self.pressed and states >= WANTED and any(over) and going:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)

    def stopping(self):
        pass


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The result of a comparison that was stopped on the way."""
    home = tmp_path_factory.mktemp("doors")
    (home / "own.py").write_text(OWN)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(home)
        result = perjoule.compare(out=home / "run", progress=CtrlC(), **EXPERIMENT)
    states = set(result.trials["state"])
    assert {"complete", "failed", "paused", "pruned", "truncated"} <= states, states
    assert result.interrupted
    return result
