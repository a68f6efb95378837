import time

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import EnergyBudget, EnergyMeter, Kind

optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def counted():
    """A meter of one joule per operation."""
    return EnergyMeter("model:1")


def test_spent_and_remaining_are_what_the_meter_reads(counted):
    counted.count_operations(1_000)  # before the budget was made
    budget = EnergyBudget("0.5 kJ", counted)
    assert (budget.spent_j, budget.remaining_j, budget.exhausted) == (0.0, 500.0, False)
    counted.count_operations(400)
    assert (budget.spent_j, budget.remaining_j, budget.exhausted) == (400.0, 100.0, False)
    assert budget.expect(100)
    assert not budget.expect(101)
    assert repr(budget) == "EnergyBudget(500 J, spent 400 J)"
    counted.count_operations(100)
    assert budget.exhausted
    counted.count_operations(100)
    assert budget.remaining_j == -100.0


@given(st.integers(1, 10_000), st.integers(1, 500))
def test_equal_steps_never_overdraw_and_leave_less_than_a_step(total, step):
    meter = EnergyMeter("model:1")
    budget = EnergyBudget(total, meter)
    n_steps = 0
    while not budget.should_stop():
        meter.count_operations(step)
        n_steps += 1
    # The first step is not foreseen; all others are.
    assert budget.spent_j == step * max(total // step, 1)


def test_what_was_said_is_said_again(fakes):
    one = fakes.Metered(update_period_s=0.1, max_power_w=1e6)
    budget = EnergyBudget(100, one.meter)
    assert not budget.should_stop()
    one.spend(0.1, 60)
    assert [budget.should_stop() for _ in range(3)] == [True] * 3


def test_work_before_the_first_step_of_a_phase_is_not_taken_for_a_step(counted):
    budget = EnergyBudget(100, counted)
    for operations in (60, 5):  # loading the data, then a step
        counted.count_operations(operations)
        assert not budget.should_stop()
    counted.count_operations(30)
    budget.begin_phase()
    assert not budget.should_stop()
    counted.count_operations(60)
    budget.begin_phase()
    assert budget.should_stop()


class Card:
    """A card of constant power whose counter moves in steps, and a training on it."""

    def __init__(self, fakes, power_w: float, tick_s: float, phase_s: float, read_s: float = 0.0):
        clock = fakes.Clock()

        class Stepping(fakes.Counter):
            n_reads = 0

            def read(self) -> float:
                self.n_reads += 1
                clock.now += read_s
                return power_w * tick_s * ((clock.now - 1_000.0 + phase_s) // tick_s)

        self.clock, self.power_w = clock, power_w
        self.counter = Stepping(update_period_s=tick_s, max_power_w=1e6)
        self.meter = EnergyMeter([self.counter], clock=self.clock)
        self.meter.read_cost_s = read_s
        for _ in range(int(2 * tick_s / 0.01)):  # something goes on before the budget is made
            self.clock.now += 0.01
            self.meter.snapshot()

    def train(self, budget: EnergyBudget, step_s: float, epoch: int = 1_000_000) -> float:
        """Joules that were truly drawn when the budget said stop."""
        start_s, n_steps = self.clock.now, 0
        while not budget.should_stop():
            self.clock.now += step_s
            n_steps += 1
            if n_steps % epoch == 0:
                budget.begin_phase()
        return self.power_w * (self.clock.now - start_s)


@given(
    power_w=st.floats(20.0, 700.0),
    tick_s=st.sampled_from([0.02, 0.1, 0.11, 1.0]),
    phase_s=st.floats(0.0, 1.0),
    step_s=st.floats(0.001, 0.4),
    read_s=st.sampled_from([0.0, 1e-6, 0.0024, 0.006]),
    n_ticks=st.floats(8.0, 100.0),
    epoch=st.integers(3, 1_000),
)
def test_a_counter_that_moves_in_steps_ends_a_budget_within_a_step_or_a_percent(
    fakes, power_w, tick_s, phase_s, step_s, read_s, n_ticks, epoch
):
    card = Card(fakes, power_w, tick_s, phase_s, read_s)
    total_j = max(power_w * tick_s * n_ticks, 4 * power_w * step_s)
    drawn_j = card.train(EnergyBudget(total_j, card.meter), step_s, epoch)
    # Steps of a training are not divided.
    slack_j = max(power_w * tick_s, 0.01 * total_j) + power_w * (step_s + 4 * read_s)
    assert drawn_j == pytest.approx(total_j, abs=slack_j)


def test_budgets_on_a_card_are_neither_kept_early_nor_late_on_average(fakes):
    """600 J at 700 W on an H100 ended at 479 J, when a check saw two steps of its counter."""
    ended_j = []
    for number in range(50):
        card = Card(fakes, 700.0, 0.1, 0.1 * number / 50, 0.0024)
        ended_j.append(card.train(EnergyBudget(600, card.meter), 0.01))
    assert sum(ended_j) / 50 == pytest.approx(600, abs=20)
    assert 600 - 70 < min(ended_j) <= max(ended_j) < 600 + 70


def test_slow_readings_are_few_until_the_end_is_near(fakes):
    card = Card(fakes, 700.0, 0.1, 0.0, 0.0024)
    before = card.counter.n_reads
    drawn_j = card.train(EnergyBudget(70_000, card.meter), 0.01)
    assert drawn_j == pytest.approx(70_000, rel=0.01)
    share = (card.counter.n_reads - before) * 0.0024 / (drawn_j / 700.0)
    assert share < 0.006


@pytest.mark.thorough
def test_a_real_training_stops_within_a_percent_of_its_budget():
    budget = EnergyBudget(1.0, EnergyMeter("cpu_time:1"))  # one CPU-second
    while not budget.should_stop():
        end_s = time.process_time() + 0.001
        while time.process_time() < end_s:
            pass
    assert budget.spent_j is not None
    assert 0.95 < budget.spent_j < 1.01


@pytest.mark.parametrize(
    ("read_s", "fields", "n_checks"),
    [
        (0.0002, {}, 10),
        (0.0, {"update_period_s": 0.09}, 11),
        (0.0, {"counts_search": False}, 1_000),
    ],
)
def test_slow_and_coarse_meters_are_asked_seldom_and_counted_operations_at_every_step(
    fakes, read_s, fields, n_checks
):
    class Counter(fakes.Counter):
        n_reads = 0

        def read(self) -> float:
            self.n_reads += 1
            if read_s:  # sleeping for 0 s lets others run, for as long as they like
                time.sleep(read_s)
            return super().read()

    clock, counter = fakes.Clock(), Counter(**fields)
    budget = EnergyBudget(1e6, EnergyMeter([counter], clock=clock))
    before = counter.n_reads
    for _ in range(1_000):
        budget.should_stop()
        clock.now += 0.001
    assert counter.n_reads - before == pytest.approx(n_checks, abs=1)


@pytest.mark.parametrize(
    ("kind", "fails_in", "reason"),
    [(Kind.MODELLED, 2, "fake: bus error"), (Kind.MEASURED, 0, "stood still")],
)
def test_a_source_that_is_lost_or_dead_stops_the_study_and_says_why(fakes, kind, fails_in, reason):
    one = fakes.Metered(kind=kind)
    budget = EnergyBudget("100 J", one.meter)

    def objective(trial: optuna.Trial) -> float:
        one.spend(1.0)
        if kind is Kind.MODELLED and trial.number == fails_in:
            one.counter.failure = fakes.failure
        return 0.0

    study = optuna.create_study()
    with pytest.warns(RuntimeWarning, match=f"study stopped.*{reason}"):
        study.optimize(objective, n_trials=1_000, callbacks=[budget.stop_study])
    assert len(study.trials) == fails_in + 1


def test_a_lost_source_never_ends_a_training(fakes):
    one = fakes.Metered()
    budget = EnergyBudget("100 J", one.meter)
    one.counter.failure = fakes.failure
    one.spend(1.0)
    assert not budget.should_stop()
    assert (budget.spent_j, budget.remaining_j, budget.exhausted) == (None, None, False)
    assert budget.expect(1e9)
    assert repr(budget) == "EnergyBudget(100 J, spent n/a)"
    one.counter.failure = None
    one.spend(1.0, 200)
    assert budget.should_stop()
    assert budget.exhausted
