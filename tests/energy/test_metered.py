from __future__ import annotations

import asyncio
import inspect
import json
import os
import pickle
import subprocess
import sys
import threading

import optuna
import pytest
from optuna.trial import TrialState

from perjoule.energy import EnergyBudget, EnergyMeter, Reading
from perjoule.energy.metered import metered

OPERATIONS_PER_J = 1e10  # of the model meter


@metered
def documented(number: int, *, times: int = 2) -> int:
    """Multiply."""
    return number * times


@pytest.fixture
def meter():
    with EnergyMeter("model") as meter:
        yield meter


@pytest.fixture
def study():
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))


@pytest.fixture
def spend(meter):
    """A function that spends joules and returns them."""

    @metered(meter=meter)
    def spend(energy_j):
        meter.count_operations(energy_j * OPERATIONS_PER_J)
        return energy_j

    return spend


def test_each_call_has_its_reading_and_all_have_a_sum(spend):
    assert (spend.reading, spend.total) == (None, Reading())
    assert spend(2.0) == 2.0
    assert spend(energy_j=3.0) == 3.0
    assert spend.reading.total_j == pytest.approx(3.0)
    assert spend.total.total_j == pytest.approx(5.0)


def test_a_call_that_raises_is_charged(meter):
    @metered(meter=meter)
    def fail():
        meter.count_operations(OPERATIONS_PER_J)
        raise ArithmeticError("no")

    with pytest.raises(ArithmeticError, match="no"):
        fail()
    assert fail.reading.total_j == pytest.approx(1.0)


def test_no_call_is_lost_in_the_sum_of_several_threads(spend):
    threads = [threading.Thread(target=lambda: [spend(0.0) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    duration_s = spend.total.duration_s
    spend(0.0)
    assert spend.total.duration_s == pytest.approx(duration_s + spend.reading.duration_s)
    assert len(spend.total.components) == 1


def test_a_function_is_still_itself():
    assert (documented.__name__, documented.__doc__) == ("documented", "Multiply.")
    assert str(inspect.signature(documented)) == "(number: 'int', *, times: 'int' = 2) -> 'int'"
    assert documented(3, times=3) == 9


def test_a_function_can_be_sent_to_another_process():
    assert pickle.loads(pickle.dumps(documented)) is documented


def test_methods_are_metered_for_all_objects_together(meter):
    class Trainer:
        def __init__(self, energy_j):
            self.energy_j = energy_j

        @metered(meter=meter)
        def train(self, epochs):
            meter.count_operations(epochs * self.energy_j * OPERATIONS_PER_J)
            return self

    one, two = Trainer(1.0), Trainer(2.0)
    assert one.train(3) is one
    assert two.train(epochs=2) is two
    assert two.train.reading.total_j == pytest.approx(4.0)
    assert Trainer.train.total.total_j == pytest.approx(7.0)


def test_a_coroutine_is_metered_until_it_is_done(meter):
    @metered(meter=meter)
    async def train():
        meter.count_operations(OPERATIONS_PER_J)
        await asyncio.sleep(0.01)
        meter.count_operations(OPERATIONS_PER_J)
        return "done"

    assert inspect.iscoroutinefunction(train)
    assert asyncio.run(train()) == "done"
    assert train.reading.total_j == pytest.approx(2.0)
    assert train.reading.duration_s >= 0.01


def test_a_cancelled_coroutine_is_charged(meter):
    @metered(meter=meter)
    async def train():
        meter.count_operations(OPERATIONS_PER_J)
        await asyncio.sleep(60.0)

    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(train(), timeout=0.01))
    assert train.reading.total_j == pytest.approx(1.0)


def test_an_object_that_is_called_is_metered_as_what_it_is(meter):
    class Plain:
        def __call__(self):
            meter.count_operations(OPERATIONS_PER_J)

    class Waiting:
        async def __call__(self):
            meter.count_operations(OPERATIONS_PER_J)

    plain, waiting = metered(Plain(), meter), metered(Waiting(), meter)
    plain()
    asyncio.run(waiting())
    assert plain.reading.total_j == waiting.reading.total_j == pytest.approx(1.0)


def test_a_generator_is_refused_with_the_remedy():
    def batches():
        yield 1

    async def async_batches():
        yield 1

    for function in (batches, async_batches):
        with pytest.raises(TypeError, match=r"is a generator.*with meter\.window"):
            metered(function)


def test_a_meter_in_place_of_the_function_is_refused_with_the_remedy(meter):
    with pytest.raises(TypeError, match=r"by name, as in @metered\(meter=meter\)"):
        metered(meter)


def test_functions_without_a_meter_share_one_that_their_first_call_makes():
    script = """
import gc
from perjoule.energy import EnergyMeter
from perjoule.energy.metered import metered
def count_meters():
    return sum(isinstance(found, EnergyMeter) for found in gc.get_objects())
one, two = metered(lambda: sum(range(10**6))), metered(lambda: None)
print(count_meters())
one(), two(), one()
print(count_meters(), one.total.total_j is not None)
"""
    assert python(script) == ["0", "1 True"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_counts_its_own_calls():
    script = """
import os, sys, time
from perjoule.energy.metered import metered
@metered
def work():
    end_s = time.process_time() + 0.01
    while time.process_time() < end_s: pass
work()
before_s = work.total.duration_s
if os.fork() == 0:
    work()
    same = work.total == work.reading and work.total.total_j is not None
    os._exit(0 if same else 1)
print(os.waitstatus_to_exitcode(os.wait()[1]), work.total.duration_s == before_s)
"""
    assert python(script) == ["0 True"]


def test_a_study_stops_with_the_trial_that_spends_its_budget(meter, study):
    def objective(trial):
        meter.count_operations(0.3 * OPERATIONS_PER_J)
        return trial.suggest_float("x", 0, 1)

    budget = EnergyBudget("2 J", meter)
    study.optimize(metered(objective, meter), n_trials=50, callbacks=[budget.stop_study])
    assert budget.spent_j == pytest.approx(2.1)
    energies = [trial.user_attrs["energy_j"] for trial in study.trials]
    assert energies == pytest.approx([0.3] * 7)
    assert {trial.user_attrs["energy_kind"] for trial in study.trials} == {"modelled"}


def test_failed_and_pruned_trials_are_charged_too(meter, study):
    def objective(trial):
        meter.count_operations((trial.number + 1) * OPERATIONS_PER_J)
        if trial.number == 1:
            raise ArithmeticError("the loss is not finite")
        if trial.number == 2:
            raise optuna.TrialPruned
        return 0.0

    study.optimize(metered(objective, meter), n_trials=3, catch=ArithmeticError)
    assert [trial.state for trial in study.trials] == [
        TrialState.COMPLETE,
        TrialState.FAIL,
        TrialState.PRUNED,
    ]
    assert [t.user_attrs["energy_j"] for t in study.trials] == pytest.approx([1.0, 2.0, 3.0])


def test_the_full_reading_is_kept_as_plain_data(meter, study):
    study.optimize(metered(lambda trial: 0.0, meter), n_trials=1)
    reading = json.loads(json.dumps(study.trials[0].user_attrs["energy"]))
    assert [part["source"] for part in reading["components"]] == ["model"]
    assert reading["total_j"] == 0.0


def test_an_objective_that_is_a_method_charges_its_trials(meter, study):
    class Search:
        @metered(meter=meter)
        def objective(self, trial):
            meter.count_operations(OPERATIONS_PER_J)
            return 0.0

    study.optimize(Search().objective, n_trials=2)
    assert [t.user_attrs["energy_j"] for t in study.trials] == pytest.approx([1.0, 1.0])


def test_a_lost_source_gives_none_and_not_zero(study, fakes):
    source = fakes.Counter(max_power_w=1e12)

    @metered(meter=EnergyMeter([source]))
    def objective(trial):
        source.energy_j += 1.0
        source.failure = fakes.failure if trial.number else None
        return 0.0

    study.optimize(objective, n_trials=2)
    known, lost = study.trials
    assert known.user_attrs["energy_j"] > 0
    assert known.user_attrs["energy_kind"] == "measured"
    assert lost.user_attrs["energy_j"] is None
    assert lost.user_attrs["energy_kind"] == "unavailable"
    [part] = lost.user_attrs["energy"]["components"]
    assert "bus error" in part["warnings"][0]
    assert objective.total.total_j is None


def python(script):
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return ended.stdout.splitlines()
