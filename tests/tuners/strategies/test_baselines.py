"""The plain searches that stop early: one epoch, halving in step, PASHA, ASHA by joules."""

import math
from collections import Counter
from itertools import pairwise

import pytest

from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners.parts.history import TrialSoFar
from perjoule.tuners.parts.rungs import Ladder, Standing
from perjoule.tuners.pending import ask_batch
from perjoule.tuners.strategies.asha import HalvingStrategy
from perjoule.tuners.strategies.asha_joules import JoulesHalvingStrategy
from perjoule.tuners.strategies.one_epoch import FINISHED, OneEpochStrategy
from perjoule.tuners.strategies.pasha import SCREENED, PashaStrategy, noise, reordered
from perjoule.tuners.strategies.successive_halving import SuccessiveHalvingStrategy
from perjoule.tuners.strategy import Task, Told

from ..toys import simulate

LONGEST = 27
SPACE = Space.parse(
    {
        "x": {"low": 0.0, "high": 1.0},
        "size": {"low": 0.25, "high": 4.0, "log": True},
        "epochs": LONGEST,
    }
)


def score(params, epoch):
    """Curves that never cross."""
    return (1 - abs(params["x"] - 0.3)) * (1 - 0.7 * math.exp(-epoch / 6))


def crossing(params, epoch):
    """Whoever is ahead after one epoch is behind after the next ones."""
    return 1 - abs(params["x"] - (0.3 if epoch > 1 else 0.8))


def size(params):
    return params["size"]


def search(strategy, budget_j, *, curves=score, **options):
    made = strategy(SPACE, 0, Task(budget_j=budget_j))
    return made, simulate(made, curves, budget_j=budget_j, **options)


def trial(number, *scores, each_j=1.0):
    """A paused trial with these scores by epoch."""
    curve = tuple(CurvePoint(i, each_j * i, each, 1.0) for i, each in enumerate(scores, 1))
    told = Told({}, State.PAUSED, scores[-1], each_j * len(curve), None, None, number, len(curve))
    new = TrialSoFar(number, {})
    new.add(Told(**{**vars(told), "curve": curve}))
    return new


def standing(longest, *trials):
    return Standing(Ladder(longest), {each.number: each for each in trials})


def ranked(trials):
    return sorted(trials, key=lambda each: -score(each.params, LONGEST))


def test_candidates_get_one_epoch_until_the_budget_just_finishes_the_best_three():
    _, run = search(OneEpochStrategy, 150.0)
    # 3 x 26 J finish the best: 72 J are left for first epochs of 1 J each.
    assert [work.until for work in run.works] == [1] * 72 + [LONGEST] * 3
    whole = [each for each in run.trials.values() if each.epochs == LONGEST]
    assert whole == sorted(ranked(run.trials.values())[:3], key=lambda each: each.number)
    assert sum(told.energy_j for told in run.history) == 150.0
    first = run.works[72]
    assert run.trials[first.trial] == ranked(run.trials.values())[0]


def test_joules_that_the_best_leave_over_finish_the_next_best_that_fits():
    _, run = search(OneEpochStrategy, 150.0, epoch_j=size)
    states = Counter(each.state for each in run.trials.values() if each.epochs > 1)
    assert states[State.COMPLETE] >= 3
    assert 150.0 - sum(told.energy_j for told in run.history) < 4.0


@pytest.mark.parametrize("budget_j", [math.inf, 1e6])
def test_first_epochs_take_as_many_joules_as_finishing_the_best_three(budget_j):
    drawn = FINISHED * (LONGEST - 1)
    made = OneEpochStrategy(SPACE, 0, Task(budget_j=budget_j))
    run = simulate(made, score, budget_j=2e4, n_trials=2 * drawn)
    one = [1] * drawn + [LONGEST] * FINISHED
    assert [work.until for work in run.works] == one + one
    spent_j = Counter[bool]()
    for work, told in zip(run.works, run.history, strict=True):
        spent_j[work.until == 1] += told.energy_j
    assert spent_j[True] == spent_j[False]


def test_where_joules_are_unknown_the_budget_does_not_end_screening():
    made = OneEpochStrategy(SPACE, 0, Task(budget_j=10.0))
    for number in range(30):
        work = made.ask(spent_j=9.0)
        assert (work.trial, work.until) == (None, 1)
        made.tell(Told(work.params, State.PAUSED, 0.5, None, trial=number, epochs=1))


def test_a_bracket_halves_once_all_have_reached_a_rung_and_the_next_one_begins():
    _, run = search(SuccessiveHalvingStrategy, 1e4, n_trials=30)
    untils = [work.until for work in run.works]
    assert untils == [1] * 27 + [3] * 9 + [9] * 3 + [27] + [1] * 3
    for (start, stop), until in zip(pairwise((0, 27, 36, 39, 40)), (1, 3, 9, 27), strict=True):
        assert {work.until for work in run.works[start:stop]} == {until}
    bracket = ranked([run.trials[number] for number in range(27)])
    for rung, size in ((3, 9), (9, 3), (27, 1)):
        reached = {each.number for each in bracket if each.epochs >= rung}
        assert reached == {each.number for each in bracket[:size]}


def test_a_failed_trial_leaves_its_place_among_those_that_halve():
    """The third of a rung that goes on is of those that were begun, not of those that are left."""
    fails = dict.fromkeys((3, 5, 8), State.FAILED)
    _, run = search(SuccessiveHalvingStrategy, 1e4, n_trials=27, ends=fails.get)
    assert [work.until for work in run.works][:39] == [1] * 27 + [3] * 9 + [9] * 3


def test_a_bracket_whose_last_trials_are_in_flight_is_not_judged():
    _, run = search(SuccessiveHalvingStrategy, 25.0)
    assert len(run.history) == 25
    batch = ask_batch(SuccessiveHalvingStrategy(SPACE, 0), run.history, 5, 25.0)
    assert [(work.trial, work.until) for work in batch] == [(None, 1)] * 5  # 2 and 3 of the next


def test_pasha_opens_no_rung_as_long_as_rankings_stay():
    made, run = search(PashaStrategy, 1e4, n_trials=60)
    assert made.highest == 3
    assert {work.until for work in run.works} == {1, 3}
    made, run = search(PashaStrategy, 1e4, n_trials=60, curves=crossing)
    assert made.highest == 9  # after three epochs the order stays


def test_pasha_trains_the_best_to_the_end_with_its_last_joules():
    _, run = search(PashaStrategy, 200.0)
    assert run.works[-1].until == LONGEST
    (whole,) = (each for each in run.trials.values() if each.epochs == LONGEST)
    assert whole == ranked(run.trials.values())[0]
    assert sum(told.energy_j for told in run.history) > 200.0 - 24.0


def test_pasha_finishes_one_of_each_256_however_many_joules_there_are():
    made = PashaStrategy(SPACE, 0)
    run = simulate(made, score, n_trials=SCREENED + 5)
    ends = [n for n, work in enumerate(run.works) if work.until == LONGEST]
    begun = sum(work.trial is None for work in run.works[: ends[0]])
    assert (len(ends), begun) == (1, SCREENED)


def test_rankings_are_soft_by_the_noise_of_pairs_that_cross_to_and_fro():
    # The first two change places and change back by the third epoch, where they are 0.05 apart.
    noisy = trial(0, 0.50, 0.60, 0.70), trial(1, 0.49, 0.61, 0.65)
    below = trial(2, 0.47, 0.30, 0.40), trial(3, 0.44, 0.29, 0.41)
    known = standing(9, *noisy, *below)
    # The last two crossed once, from 0.03 apart: that is within the noise.
    assert noise(known, 1) == pytest.approx(0.05)
    assert not reordered(known, 1)
    assert reordered(standing(9, *noisy, below[0], trial(3, 0.40, 0.29, 0.41)), 1)
    # Without any such pair epsilon is 0.
    assert noise(standing(9, *below), 1) == 0.0
    assert reordered(standing(9, *below), 1)


def test_asha_by_joules_is_asha_where_all_cost_the_same():
    runs = [search(each, 300.0)[1] for each in (HalvingStrategy, JoulesHalvingStrategy)]
    assert runs[0].works == runs[1].works


@pytest.mark.parametrize("strategy", [OneEpochStrategy, PashaStrategy, SuccessiveHalvingStrategy])
@pytest.mark.parametrize("end", [State.FAILED, State.TRUNCATED])
def test_searches_whose_slices_all_end_early_go_on_with_other_candidates(strategy, end):
    made = strategy(SPACE, 0, Task(budget_j=1e3))
    run = simulate(made, score, budget_j=40.0, ends=lambda _: end)
    assert len(run.trials) == len(run.works) == 40


def test_asha_by_joules_lets_dear_trials_on_once_they_have_beaten_more():
    def next_trial(n_others):
        # The second best, which is due before, has gone on.
        others = [trial(n, 0.1) for n in range(2, 1 + n_others)]
        known = trial(0, 0.9, each_j=2.5), trial(1, 0.2, 0.2, 0.2), *others
        return JoulesHalvingStrategy(SPACE, 0).next_step(standing(LONGEST, *known)).trial

    # At 2.5 times the joules of the median the best of eight is not in 8 / 3, the best of nine is.
    assert next_trial(7) is None
    assert next_trial(8) == 0


def test_asha_by_joules_takes_the_cheaper_of_two_that_are_due():
    strategy = JoulesHalvingStrategy(SPACE, 0)
    others = [trial(n, 0.1) for n in range(2, 7)]
    first, second = trial(0, 0.9, each_j=1.0), trial(1, 0.8, each_j=0.4)
    assert strategy.next_step(standing(LONGEST, first, second, *others)).trial == 1
    dear = trial(1, 0.8, each_j=0.6)
    assert strategy.next_step(standing(LONGEST, first, dear, *others)).trial == 0
    unknown = Told({}, State.PAUSED, 0.8, None, trial=1, epochs=1)
    unpriced = TrialSoFar(1, {})
    unpriced.add(unknown)
    assert strategy.next_step(standing(LONGEST, first, unpriced, *others)).trial == 0
