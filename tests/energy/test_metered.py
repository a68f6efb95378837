import asyncio
import inspect
import json
import os
import pickle
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.energy import EnergyBudget, EnergyMeter, Reading, Scope
from perjoule.energy.metered import metered
from perjoule.energy.shares import Tree

OPERATIONS_PER_J = 1e10  # of the model meter
quick = settings(max_examples=40, deadline=None)


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
    same = work.total.total_j == work.reading.total_j is not None
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


# Overlapping calls --------------------------------------------------------------------------------


@quick
@given(
    threads=st.lists(
        st.lists(st.tuples(st.integers(0, 2), st.floats(0.0, 9.0)), max_size=4),
        min_size=1,
        max_size=4,
    )
)
def test_every_counted_joule_is_in_one_call_whatever_overlaps(threads):
    with EnergyMeter("model") as meter:
        own_j = {}

        @metered(meter=meter)
        def spend(name, depth, energy_j):
            meter.count_operations(energy_j * OPERATIONS_PER_J)
            time.sleep(0)
            own_j[name] = energy_j
            if depth:
                own_j[name] += spend((*name, depth), depth - 1, energy_j / 2)
            return own_j[name]

        def work(thread):
            for number, (depth, energy_j) in enumerate(threads[thread]):
                spend((thread, number), depth, energy_j)

        budget = EnergyBudget("1 kJ", meter)
        with ThreadPoolExecutor(len(threads)) as pool:
            list(pool.map(work, range(len(threads))))
        roots_j = sum(energy_j for name, energy_j in own_j.items() if len(name) == 2)
        assert budget.spent_j == pytest.approx(roots_j, abs=1e-9)
        if own_j:
            assert spend.total.total_j == pytest.approx(budget.spent_j, abs=1e-9)


def test_parallel_trials_share_what_is_counted_and_their_sum_is_the_budgets(study):
    meter = EnergyMeter("cpu_time:10")
    objective = metered(lambda trial: burn(0.02 + 0.02 * (trial.number % 2)), meter)
    budget = EnergyBudget("1 kJ", meter)
    study.optimize(objective, n_trials=12, n_jobs=2)
    spent_j = budget.spent_j
    assert sum(charged(study)) == pytest.approx(objective.total.total_j, rel=1e-9)
    assert 0.9 * spent_j < objective.total.total_j <= spent_j
    assert objective.total.kind == "modelled"
    overlapping = [t for t in study.trials if t.user_attrs["energy_kind"] == "apportioned"]
    assert len(overlapping) > 6
    assert "split by the CPU time" in str(overlapping[0].user_attrs["energy"]["components"])
    short, long = (statistics.median(charged(study)[start::2]) for start in (0, 1))
    assert 1.4 < long / short < 2.6


def test_each_of_two_trials_at_once_is_charged_what_its_own_thread_counted(meter, study):
    barrier = threading.Barrier(2)

    def objective(trial):
        barrier.wait(5)
        meter.count_operations((trial.number + 1) * OPERATIONS_PER_J)
        barrier.wait(5)
        return 0.0

    study.optimize(metered(objective, meter), n_trials=4, n_jobs=2)
    assert charged(study) == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert {t.user_attrs["energy_kind"] for t in study.trials} == {"modelled"}


@pytest.mark.parametrize(("scope", "known"), [("package", True), ("board", False), ("node", False)])
def test_what_cannot_be_split_is_unknown_for_each_and_known_for_all(fakes, study, scope, known):
    counter = fakes.Counter(scope=Scope(scope), max_power_w=1e12)
    barrier = threading.Barrier(2)

    def objective(trial):
        barrier.wait(5)
        if trial.number == 0:
            counter.energy_j += 8.0
        barrier.wait(5)
        return 0.0

    objective = metered(objective, EnergyMeter([counter]))
    study.optimize(objective, n_trials=2, n_jobs=2)
    assert objective.total.total_j == 8.0
    assert objective.total.kind == "measured"
    if known:
        assert sum(charged(study)) == pytest.approx(8.0)
    else:
        assert charged(study) == [None, None]
        assert "make one call at a time" in str(study.trials[0].user_attrs["energy"])


def test_two_functions_in_two_threads_share_and_a_third_one_alone_has_all(fakes):
    counter = fakes.Counter(max_power_w=1e12)
    meter, barrier = EnergyMeter([counter]), threading.Barrier(2)

    def work(seconds):
        barrier.wait(5)
        burn(seconds)
        barrier.wait(5)
        counter.energy_j += 3.0

    one, two, alone = metered(work, meter), metered(work, meter), metered(burn, meter)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: pair[0](pair[1]), [(one, 0.02), (two, 0.02)]))
    assert one.total.total_j + two.total.total_j == pytest.approx(6.0)
    assert one.total.kind == "apportioned"
    alone(0.0)
    assert alone.reading.kind == "measured"


def test_a_call_that_waits_for_calls_in_threads_does_not_know_what_is_its_own(fakes):
    counter = fakes.Counter(max_power_w=1e12)
    meter = EnergyMeter([counter])

    @metered(meter=meter)
    def trial(_):
        burn(0.05)
        counter.energy_j += 1.0

    @metered(meter=meter)
    def search(threads):
        list(threads.map(trial, range(4)))

    @metered(meter=meter)
    async def search_in_context():
        await asyncio.gather(*(asyncio.to_thread(trial, each) for each in range(4)))

    with ThreadPoolExecutor(2) as threads:
        search(threads)
    assert 3.4 < trial.total.total_j <= 4.0
    assert search.reading.total_j is None
    assert "make an EnergyBudget" in search.reading.warnings[0]
    asyncio.run(search_in_context())  # whose threads know what they are part of
    assert search_in_context.reading.total_j == pytest.approx(4.0)
    assert 7.6 < trial.total.total_j <= 8.0


def test_tasks_side_by_side_share_and_what_they_are_part_of_has_both():
    meter = EnergyMeter("cpu_time:10")

    @metered(meter=meter)
    async def step(seconds):
        for _ in range(4):
            burn(seconds)
            await asyncio.sleep(0)
        return step

    readings = []

    @metered(meter=meter)
    async def both():
        async def one(seconds):
            await step(seconds)
            readings.append((seconds, step.reading.total_j))

        await asyncio.gather(one(0.004), one(0.012))

    budget = EnergyBudget("1 kJ", meter)
    asyncio.run(both())
    spent_j = budget.spent_j
    (_, short_j), (_, long_j) = sorted(readings)
    assert 2.0 < long_j / short_j < 4.0
    assert step.total.total_j == pytest.approx(short_j + long_j, rel=0.02)
    assert step.total.total_j <= both.total.total_j <= spent_j
    assert both.reading.kind == "modelled"
    assert step.reading.kind == "apportioned"


def test_a_recursion_is_counted_once(meter):
    @metered(meter=meter)
    def count(depth):
        meter.count_operations(OPERATIONS_PER_J)
        return depth and count(depth - 1)

    count(9)
    assert count.total.total_j == pytest.approx(10.0)
    assert count.reading.total_j == pytest.approx(10.0)


def test_the_first_call_of_a_process_is_marked(spend, study, meter):
    spend(1.0)
    assert any("only once" in warning for warning in spend.reading.warnings)
    spend(1.0)
    assert not any("only once" in warning for warning in spend.reading.warnings)
    study.optimize(metered(lambda trial: 0.0, meter), n_trials=2)
    assert ["only once" in str(t.user_attrs["energy"]) for t in study.trials] == [True, False]


@quick
@given(
    parents=st.lists(st.integers(-1, 8), min_size=1, max_size=9),
    did=st.lists(st.floats(0, 1e6), min_size=9, max_size=9),
)
def test_shares_of_calls_side_by_side_add_up_to_no_more_than_the_whole(parents, did):
    above = {n: None if p < 0 or not n else p % n for n, p in enumerate(parents)}
    tree = Tree(range(len(parents)), above.__getitem__)
    shares = tree.shares(dict(enumerate(did)))
    assert sum(shares[n] for n in above if above[n] is None) == pytest.approx(1.0)
    for parent in above:
        parts = [shares[n] for n in above if above[n] == parent]
        assert sum(parts) <= shares[parent] * (1 + 1e-9) + 1e-12
    assert tree.together(lambda _: True, shares) == 1.0


def burn(seconds):
    end_s = time.thread_time() + seconds
    while time.thread_time() < end_s:
        pass
    return seconds


def charged(study):
    return [trial.user_attrs["energy_j"] for trial in study.trials]


def python(script):
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
