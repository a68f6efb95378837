import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from statistics import mean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners.parts.history import TrialSoFar
from perjoule.tuners.parts.proposals import propose
from perjoule.tuners.parts.rungs import PRICED_TRIALS, Ladder, Standing
from perjoule.tuners.strategies.asha import HalvingStrategy
from perjoule.tuners.strategies.asha_joules import JoulesHalvingStrategy
from perjoule.tuners.strategies.hyperband import HyperbandStrategy
from perjoule.tuners.strategies.median import MedianStrategy
from perjoule.tuners.strategies.one_epoch import OneEpochStrategy
from perjoule.tuners.strategies.pasha import PashaStrategy
from perjoule.tuners.strategies.successive_halving import SuccessiveHalvingStrategy
from perjoule.tuners.strategy import Task, Told, restore

from ..toys import simulate

LONGEST = 27
SPACE = Space.parse(
    {
        "x": {"low": 0.0, "high": 1.0},
        "size": {"low": 0.25, "high": 4.0, "log": True},
        "epochs": {"low": 1, "high": LONGEST},
    }
)
STRATEGIES = [
    HalvingStrategy,
    JoulesHalvingStrategy,
    HyperbandStrategy,
    MedianStrategy,
    OneEpochStrategy,
    PashaStrategy,
    SuccessiveHalvingStrategy,
]
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)
every_proposer = pytest.mark.parametrize("proposer", ["random", "tpe"])


def score(params, epoch):
    """Curves that never cross: who is ahead after one epoch stays so."""
    return (1 - abs(params["x"] - 0.3)) * (1 - 0.7 * math.exp(-epoch / 6))


def epoch_j(params):
    return params["size"]


def search(strategy, seed=0, *, fidelity="epochs", space=SPACE, **options):
    return strategy(space, seed, Task(fidelity=fidelity), **options)


def next_step(strategy, longest, *trials, **options):
    """What comes next where trials have at most so many epochs."""
    searching = strategy(SPACE.with_fixed("epochs", longest), 0, **options)
    return searching.next_step(standing(searching.ladder, *trials))


def standing(ladder, *trials):
    return Standing(ladder, {each.number: each for each in trials})


def trial(number, *scores, state=State.PAUSED, each_j=1.0, **params):
    """A trial with these accuracies by epoch, for so many joules each."""
    curve = tuple(CurvePoint(i, each_j * i, each, 1.0) for i, each in enumerate(scores, 1))
    told = Told(params, state, None, each_j * len(curve), None, None, number, len(curve), curve)
    new = TrialSoFar(number, params)
    new.add(told)
    return new


@given(st.integers(1, 10**4))
def test_rungs_lead_from_one_epoch_to_the_longest_training_by_three(longest):
    rungs = Ladder(longest).rungs
    assert (rungs[0], rungs[-1]) == (1, longest)
    assert list(rungs) == sorted(set(rungs))
    known = {1: (1,), 2: (1, 2), 4: (1, 4), 8: (1, 3, 8), 10: (1, 3, 10), 27: (1, 3, 9, 27)}
    assert {n: Ladder(n).rungs for n in known} == known


def test_a_rung_in_joules_is_reached_by_energy_or_by_all_epochs():
    priced = [trial(n, 0.1, each_j=j) for n, j in enumerate([4.0, 1.0, 2.0, 3.0, 0.5])]
    cheap = trial(5, *[0.2] * 9, each_j=0.1)
    heavy = trial(6, 0.3, 0.4, each_j=7.0)
    known = standing(Ladder(9, in_joules=True), *priced, cheap, heavy)
    # Rungs lie at 2, 6 and 18 J: one, three and nine epochs of the median of the first five.
    assert known.rung == dict(enumerate([0, -1, 0, 0, -1, 2, 1]))
    assert known.scores(1) == {5: 0.2, 6: 0.3}
    assert not known.waits(5)
    assert known.step(2, 6).until_j == 18.0


def test_a_slice_that_ended_at_its_joules_has_reached_them_however_they_add_up():
    priced = [trial(n, 0.1, each_j=1.1) for n in range(PRICED_TRIALS)]
    rung_j = 3 * 1.1
    rest_j = rung_j - 1.3  # what is left to a trial that has spent 1.3 J
    split, curve = trial(5, 0.1, each_j=1.3), (CurvePoint(2, rest_j, 0.2, 1.0),)
    split.add(Told({}, State.PAUSED, 0.2, rest_j, trial=5, epochs=2, curve=curve))
    assert split.energies_j[2] < rung_j
    assert standing(Ladder(9, in_joules=True), *priced, split).rung[5] == 1


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("strategy", [HalvingStrategy, HyperbandStrategy])
def test_the_winner_of_full_training_is_found_for_a_third_of_its_energy(strategy, seed):
    trials = simulate(search(strategy, seed), score, epoch_j, n_trials=49).trials
    full_j = sum(LONGEST * epoch_j(each.params) for each in trials.values())
    best = max(trials.values(), key=lambda each: score(each.params, LONGEST))
    assert sum(each.energy_j for each in trials.values()) <= full_j / 3
    assert max(trials.values(), key=lambda each: each.score) is best
    assert (best.epochs, best.state) == (LONGEST, State.COMPLETE)


@pytest.mark.thorough
@pytest.mark.parametrize("strategy", [HalvingStrategy, HyperbandStrategy])
def test_a_model_closes_in_on_good_candidates(strategy):
    def late(proposer):
        started = (search(strategy, seed, proposer=proposer) for seed in range(3))
        runs = [simulate(each, score, n_trials=40) for each in started]
        return mean(abs(run.trials[n].params["x"] - 0.3) for run in runs for n in range(20, 40))

    assert late("tpe") < 0.75 * late("random")


@pytest.mark.parametrize("seed", range(2))
def test_the_best_of_the_top_third_is_promoted_and_only_then_a_new_trial_begun(seed):
    run = simulate(search(HalvingStrategy, seed), score, epoch_j, n_trials=60)
    rungs = Ladder(LONGEST).rungs
    at: dict[int, dict[int, float]] = {rung: {} for rung in rungs}
    for work, told in zip(run.works, run.history, strict=True):
        due = None
        for rung, above in reversed(list(pairwise(rungs))):
            ranked = sorted(at[rung], key=at[rung].get, reverse=True)
            waiting = [n for n in ranked[: len(ranked) // 3] if n not in at[above]]
            if due is None and waiting:
                due = waiting[0], above
        assert (work.trial, work.until) == (due or (None, 1))
        assert work.pause == (work.until < LONGEST)
        at[work.until][told.trial] = told.score
    assert len(at[LONGEST]) >= 2


def test_those_that_ended_keep_their_place_in_the_ranking_and_are_not_continued():
    def continued(state, n_others):
        others = [trial(n, 0.1 * n) for n in range(1, 1 + n_others)]
        return next_step(HalvingStrategy, 9, trial(0, 0.9, state=state), *others).trial

    assert continued(State.PAUSED, 2) == 0
    for ended in (State.FAILED, State.TRUNCATED):
        assert continued(ended, 4) is None  # it is the one that is the top third of five
        assert continued(ended, 5) == 5


def test_hyperband_deals_trials_to_brackets_that_spend_alike():
    run = simulate(search(HyperbandStrategy), score, n_trials=49)
    begun = [work.until for work in run.works if work.trial is None]
    assert Counter(begun) == {1: 27, 3: 12, 9: 6, 27: 4}  # Li et al., JMLR 2018, for R = 27
    spent_j = Counter[int]()
    for told in run.history:
        spent_j[begun[told.trial]] += told.energy_j
    assert max(spent_j.values()) < 1.4 * min(spent_j.values())


def test_hyperband_promotes_within_a_bracket_only():
    deal = HyperbandStrategy(SPACE.with_fixed("epochs", 3), 0).deal
    assert sorted(deal) == [0, 0, 0, 1, 1]
    trials = [
        trial(n, 0.5, 0.6, 0.7, state=State.COMPLETE) if first else trial(n, 0.1 * n)
        for n, first in enumerate(deal)
    ]
    best = max(n for n, first in enumerate(deal) if first == 0)
    step = next_step(HyperbandStrategy, 3, *trials)
    assert (step.trial, step.until) == (best, 3)


def test_the_median_rule_stops_what_is_below_the_median_of_earlier_means():
    means = enumerate((0.25, 0.75, 0.5))  # up to three epochs
    earlier = [trial(n, a - 0.125, a, a + 0.125, state=State.COMPLETE) for n, a in means]

    def continued(*scores, startup_trials=3):
        trials = *earlier, trial(3, *scores)
        return next_step(MedianStrategy, 9, *trials, startup_trials=startup_trials).trial

    assert continued(0.1, 0.2, 0.5) == 3
    assert continued(0.1, 0.5, 0.2) == 3  # its best counts
    assert continued(0.1, 0.2, 0.49) is None
    assert continued(0.1, 0.2, 0.49, startup_trials=4) == 3


def test_what_the_median_rule_stopped_stays_stopped():
    run = simulate(search(MedianStrategy), score, n_trials=40)
    numbers = [told.trial for told in run.history]
    assert numbers == sorted(numbers)
    assert 5 < sum(each.epochs == LONGEST for each in run.trials.values()) < 30


@pytest.mark.thorough
@every_strategy
@every_proposer
def test_trials_at_a_rung_have_spent_alike_whatever_their_epochs(strategy, proposer):
    by_joules = search(strategy, fidelity="joules", proposer=proposer)
    run = simulate(by_joules, score, epoch_j, n_trials=40, ask_j=0.01)
    unit_j = median(epoch_j(work.params) for work in run.works[:PRICED_TRIALS])
    rungs_j = [unit_j * rung for rung in Ladder(LONGEST).rungs]
    assert all((w.until, w.until_j, w.pause) == (1, None, True) for w in run.works[:PRICED_TRIALS])
    spent_j, epochs = Counter[int](), Counter[int]()
    for work, told in zip(run.works, run.history, strict=True):
        assert epochs[told.trial] < LONGEST
        spent_j[told.trial] += told.energy_j
        epochs[told.trial] = told.epochs
        if work.until_j is not None:
            assert work.until_j in rungs_j
            assert work.pause == (work.until_j < rungs_j[-1])
            over_j = spent_j[told.trial] - work.until_j
            assert over_j < epoch_j(told.params) + 0.02
            assert over_j >= 0 or told.epochs == LONGEST
    smallest = min(run.trials.values(), key=lambda each: each.params["size"])
    assert epochs[smallest.number] > 1


def test_no_joules_known_is_one_epoch_for_each():
    strategy = search(HalvingStrategy, fidelity="joules")
    run = simulate(strategy, score, epoch_j, n_trials=9, ends=lambda _: State.FAILED)
    assert [(work.until, work.until_j, work.trial) for work in run.works] == [(1, None, None)] * 9


@pytest.mark.thorough
@given(
    strategy=st.sampled_from(STRATEGIES),
    proposer=st.sampled_from(["random", "tpe"]),
    fidelity=st.sampled_from(["epochs", "joules"]),
    seed=st.integers(0, 2**16),
    ends=st.lists(st.sampled_from([None, None, None, State.FAILED, State.TRUNCATED]), min_size=1),
)
@settings(max_examples=20)
def test_a_search_is_a_function_of_its_history(strategy, proposer, fidelity, seed, ends):
    """From every point of a run a new strategy goes on as the old one; what ended stays so."""

    def make():
        return search(strategy, seed, fidelity=fidelity, proposer=proposer)

    fates = dict(enumerate(ends * 100)).__getitem__
    run = simulate(make(), score, epoch_j, n_trials=12, ask_j=0.01, ends=fates)
    last: dict[int, Told] = {}
    for number, (work, told) in enumerate(zip(run.works, run.history, strict=True)):
        assert restore(make(), run.history[:number]).ask(0.0) == work
        assert work.params == SPACE.complete(work.params)
        assert work.params["epochs"] == LONGEST
        if work.trial is not None:
            before = last[work.trial]
            assert (before.state, before.params) == (State.PAUSED, work.params)
            assert before.epochs < work.until
        last[told.trial] = told


@every_strategy
@every_proposer
@pytest.mark.parametrize("fidelity", ["epochs", "joules"])
def test_with_one_epoch_at_most_every_trial_is_complete(strategy, proposer, fidelity):
    space = SPACE.with_fixed("epochs", 1)
    single = search(strategy, fidelity=fidelity, proposer=proposer, space=space)
    run = simulate(single, score, budget_j=15)
    assert len(run.trials) == len(run.history) == 15
    assert {told.state for told in run.history} == {State.COMPLETE}


def test_a_model_of_all_rungs_knows_each_trial_by_its_best_accuracy():
    low = [trial(n, 0.1 + n / 100, x=n / 10, size=1.0) for n in range(9)]
    ended = trial(9, 0.1, 0.6, 0.2, state=State.FAILED, x=0.9, size=2.0)
    unvalidated = trial(10, state=State.FAILED, x=0.5, size=1.0)

    def proposal(*trials):
        known = {each.number: each for each in trials}
        return propose("tpe", SPACE.with_fixed("epochs", 9), known, 0)

    known = proposal(*low, ended)
    assert proposal(*low, ended, unvalidated) == known
    assert proposal(*low, replace(ended, scores={1: 0.6})) == known
    assert proposal(*low, replace(ended, scores={1: 0.0})) != known
    assert proposal(*low[:4]) == proposal()
