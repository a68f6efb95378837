"""Several trials of a run in flight at once: one budget, one record, whoever ends first."""

import random
import threading
from concurrent.futures import Executor, Future

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import perjoule
from perjoule.benchmarks.comparison.experiment import Experiment
from perjoule.benchmarks.comparison.messages import Setting, Turn
from perjoule.benchmarks.comparison.pot import Pot, SharedBudget
from perjoule.energy import EnergyMeter
from perjoule.energy.sources.cpu.cores import usable_cores

from ..conftest import SMALL, SPACE
from ..samples import quick
from .ledgers import read_ledger, spent_j

SEARCHED = ["random", "tpe", "gp", "asha", "frugal"]


class Shuffled(Executor):
    """One thread that does what waits in a random order, so that late jobs may end first."""

    def __init__(self, seed=0):
        self._random, self._waiting = random.Random(seed), []
        self._changed, self._over = threading.Condition(), False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        with self._changed:
            self._waiting.append((future, fn, args, kwargs))
            self._changed.notify()
        return future

    def shutdown(self, wait=True, *, cancel_futures=False):
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()

    def _work(self):
        while True:
            with self._changed:
                while not self._waiting:
                    if self._over:
                        return
                    self._changed.wait()
                index = self._random.randrange(len(self._waiting))
                future, fn, args, kwargs = self._waiting.pop(index)
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:  # noqa: BLE001 - the future carries it
                future.set_exception(error)


def compare(folder, width, **options):
    with Shuffled(width) as executor:
        return perjoule.compare(
            out=folder,
            executor=executor,
            **{**SMALL, "seeds": 1, "workers": width, "parallel_trials": width, **options},
        )


def slices(folder):
    return [event for event in read_ledger(folder) if event["event"] == "slice"]


@pytest.mark.parametrize(
    ("width", "run_j"), [(2, 0.06), pytest.param(4, 0.2, marks=pytest.mark.thorough)]
)
def test_the_budget_is_kept_and_every_trial_recorded_once(tmp_path, width, run_j):
    budget = f"{run_j * len(SEARCHED)} J"
    result = compare(tmp_path / "run", width, strategies=SEARCHED, budget=budget)
    assert result.summary["status"] == "complete"
    by_hand_j = spent_j(result.folder)
    for run in result.summary["runs"]:
        own = result.trials[result.trials["run"] == run["run"]]
        assert run["status"] in ("spent", "no work"), run
        assert run["spent_j"] == pytest.approx(by_hand_j[run["run"]], rel=1e-9)
        assert run["spent_j"] <= run_j * 1.01
        assert run["status"] == "no work" or run["spent_j"] > 0.7 * run_j
        assert sorted(own["trial"]) == list(range(len(own)))
        assert len({str(event["params"]) for event in slices(result.folder)}) > 1
    described = yaml.safe_load((result.folder / "experiment.yaml").read_text())
    assert described["experiment"]["parallel_trials"] == width
    assert not (result.folder / "inflight").exists()
    # Only what was the best of its run when it was recorded has a score on test data.
    best = {}
    for event in slices(result.folder):
        is_best = event["score"] is not None and event["score"] > best.get(event["run"], -1.0)
        assert (event["test_score"] is not None) == is_best
        best[event["run"]] = event["score"] if is_best else best.get(event["run"], -1.0)


@pytest.mark.thorough
def test_a_search_uses_as_many_workers_and_keeps_the_best_network(tmp_path):
    options = {name: SMALL[name] for name in ("meter", "space")} | {"parallel_trials": 2}
    result = perjoule.tune("tpe", "0.3 J", out=tmp_path / "run", **options)
    [run] = result.summary["runs"]
    assert result.summary["work"]["workers"] == min(2, usable_cores())
    assert 0.2 < run["spent_j"] <= 0.3 * 1.01
    best = max(e["score"] for e in slices(result.folder) if e["score"] is not None)
    assert yaml.safe_load((result.folder / "best.json").read_text())["score"] == best
    assert perjoule.load_best(result.folder) is not None


MOODY = """
class Moody:
    "Chokes on guesses, and has work for four trials."
    def __init__(self, space, seed): self.space, self.told = space, []
    def ask(self, spent_j):
        from perjoule import Work
        if any(each.pending for each in self.told) and len(self.told) == 2:
            raise RuntimeError("what is this?")
        if len(self.told) >= 4:
            return None
        return Work(self.space.cheapest() | {"learning_rate": 0.001 + 0.001 * len(self.told)}, 1)
    def tell(self, result): self.told.append(result)
"""


def test_none_or_a_fault_while_trials_are_in_flight_is_only_a_wait(tmp_path, monkeypatch):
    (tmp_path / "guessing.py").write_text(MOODY)
    monkeypatch.syspath_prepend(tmp_path)
    result = compare(tmp_path / "run", 3, strategies=["guessing:Moody"], budget="2 J")
    [run] = result.summary["runs"]
    assert (run["status"], run["trials"]) == ("no work", 4)
    assert len({event["params"]["learning_rate"] for event in slices(result.folder)}) == 4


# The pot ----------------------------------------------------------------------------------------


def _setting(folder, width):
    (folder / "inflight").mkdir(exist_ok=True)
    experiment = Experiment(strategies=["random"], seeds=1, budget=1000.0, parallel_trials=width)
    return Setting(experiment, SPACE, folder)


@quick
@given(
    width=st.integers(1, 6),
    steps=st.lists(st.tuples(st.integers(0, 5), st.floats(0.1, 9.0)), min_size=1, max_size=200),
)
def test_slices_that_share_a_pot_spend_it_and_no_more(tmp_path_factory, width, steps):
    setting = _setting(tmp_path_factory.mktemp("pot"), width)
    pot = Pot(setting, "random-0")
    pot.fill(100.0)
    meters = [EnergyMeter("model:1") for _ in range(width)]
    budgets = [SharedBudget(pot, Turn(slot=0), meter) for meter in meters]
    spent = [0.0] * width
    for number, step_j in steps:
        place = number % width
        left_j = 100.0 - sum(budget.total_j for budget in budgets)
        own_j = budgets[place].total_j - spent[place]
        fits = budgets[place].expect(step_j)
        assert fits or step_j > left_j + own_j - 1e-6
        if fits:
            meters[place].count_operations(step_j)
            spent[place] += step_j
    assert sum(spent) <= 100.0 + 1e-6
    asked_j = 0.0
    for budget, meter in zip(budgets, meters, strict=True):
        while not budget.should_stop():
            meter.count_operations(0.5)
            asked_j += 0.5
    assert 100.0 - 0.5 * width <= sum(spent) + asked_j <= 100.0 + 1e-6 + 0.5 * width


def test_what_is_not_spent_goes_back_and_what_was_overdrawn_is_missed(tmp_path):
    pot = Pot(_setting(tmp_path, 2), "random-0")
    pot.fill(100.0)
    assert pot.reserve(30.0)
    assert not pot.reserve(71.0)
    assert pot.reserve(0.0)
    meter = EnergyMeter("model:1")
    window = meter.window()
    budget = SharedBudget(pot, Turn(slot=0, granted_j=30.0), meter)
    meter.count_operations(40)
    budget.settle(window.lap())
    assert pot.claim(60.0) == pytest.approx(60.0)
    assert pot.claim(0.0) == 0.0
    pot.put_back(-5.0)
    assert not pot.reserve(1.0)
