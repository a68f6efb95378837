import asyncio
import inspect
import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest

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
    """A function that spends joules and returns them, or fails."""

    @metered(meter=meter)
    def spend(energy_j, error=None):
        meter.count_operations(energy_j * OPERATIONS_PER_J)
        if error is not None:
            raise error
        return energy_j

    return spend


def test_each_call_has_its_reading_and_all_have_a_sum(spend):
    assert (spend.reading, spend.total) == (None, Reading())
    assert spend(2.0) == 2.0
    assert spend(energy_j=3.0) == 3.0
    assert spend.reading.total_j == pytest.approx(3.0)
    with pytest.raises(ArithmeticError, match="no"):
        spend(1.0, error=ArithmeticError("no"))
    assert spend.reading.total_j == pytest.approx(1.0)
    assert spend.total.total_j == pytest.approx(6.0)


def test_no_call_is_lost_in_the_sum_of_several_threads(spend):
    with ThreadPoolExecutor(4) as threads:
        for _ in threads.map(spend, [0.0] * 200):
            pass
    duration_s = spend.total.duration_s
    spend(0.0)
    assert spend.total.duration_s == pytest.approx(duration_s + spend.reading.duration_s)
    assert len(spend.total.components) == 1


def test_a_function_is_still_itself_also_in_another_process():
    assert (documented.__name__, documented.__doc__) == ("documented", "Multiply.")
    assert str(inspect.signature(documented)) == "(number: int, *, times: int = 2) -> int"
    assert documented(3, times=3) == 9
    assert pickle.loads(pickle.dumps(documented)) is documented


def test_a_coroutine_is_metered_until_it_is_done_or_cancelled(meter):
    @metered(meter=meter)
    async def train(sleep_s):
        meter.count_operations(OPERATIONS_PER_J)
        await asyncio.sleep(sleep_s)
        meter.count_operations(OPERATIONS_PER_J)
        return "done"

    assert inspect.iscoroutinefunction(train)
    assert asyncio.run(train(0.01)) == "done"
    assert train.reading.total_j == pytest.approx(2.0)
    assert train.reading.duration_s >= 0.01
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(train(60.0), timeout=0.01))
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


def test_a_generator_or_a_meter_is_refused_with_the_remedy(meter):
    def batches():
        yield 1

    async def async_batches():
        yield 1

    for function in (batches, async_batches):
        with pytest.raises(TypeError, match=r"is a generator.*with meter\.window"):
            metered(function)
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
    assert charged(study) == pytest.approx([0.3] * 7)
    assert {trial.user_attrs["energy_kind"] for trial in study.trials} == {"modelled"}
    reading = json.loads(json.dumps(study.trials[0].user_attrs["energy"]))  # as plain data
    assert [part["source"] for part in reading["components"]] == ["model"]
    assert reading["total_j"] == pytest.approx(0.3)


def test_failed_and_pruned_trials_are_charged_too(meter, study):
    errors = [None, ArithmeticError("the loss is not finite"), optuna.TrialPruned()] * 9

    def objective(trial):
        meter.count_operations((trial.number + 1) * OPERATIONS_PER_J)
        if errors[trial.number]:
            raise errors[trial.number]
        return 0.0

    budget = EnergyBudget("14 J", meter)
    end, objective = [budget.stop_study], metered(objective, meter)
    study.optimize(objective, n_trials=20, catch=ArithmeticError, callbacks=end)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "FAIL", "PRUNED", "COMPLETE", "FAIL"]  # which spends the last
    assert charged(study) == pytest.approx([1.0, 2.0, 3.0, 4.0, 5.0])
    assert budget.spent_j == pytest.approx(15.0)


def test_methods_are_metered_for_all_objects_together(meter, study):
    class Trainer:
        @metered(meter=meter)
        def train(self, epochs):
            meter.count_operations(epochs * OPERATIONS_PER_J)
            return self

        @metered(meter=meter)
        def objective(self, trial):
            meter.count_operations(OPERATIONS_PER_J)
            return 0.0

    one, two = Trainer(), Trainer()
    assert one.train(3) is one
    assert two.train(epochs=4) is two
    assert two.train.reading.total_j == pytest.approx(4.0)
    assert Trainer.train.total.total_j == pytest.approx(7.0)
    study.optimize(one.objective, n_trials=2)
    assert charged(study) == pytest.approx([1.0, 1.0])


def test_a_lost_source_gives_none_and_not_zero(study, fakes):
    source = fakes.Counter(max_power_w=1e12)

    @metered(meter=EnergyMeter([source]))
    def objective(trial):
        source.energy_j += 1.0
        source.failure = fakes.failure if trial.number else None
        return 0.0

    study.optimize(objective, n_trials=2)
    known, lost = (trial.user_attrs for trial in study.trials)
    assert known["energy_j"] > 0
    assert known["energy_kind"] == "measured"
    assert (lost["energy_j"], lost["energy_kind"]) == (None, "unavailable")
    [part] = lost["energy"]["components"]
    assert "bus error" in part["warnings"][0]
    assert objective.total.total_j is None


def charged(study):
    return [trial.user_attrs["energy_j"] for trial in study.trials]


def python(script):
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
