"""Strategies that are asked while some of their trials are still being trained."""

import doctest
import json

import pytest

from perjoule.errors import ConfigurationError
from perjoule.models.outcome import CurvePoint, State
from perjoule.models.space import Space
from perjoule.tuners import pending
from perjoule.tuners.parts.history import trials_of
from perjoule.tuners.pending import ask_batch, ask_beside, lie
from perjoule.tuners.registry import RECIPES
from perjoule.tuners.strategy import Task, Told, Work

from .toys import SPACE, each_of, energy_j, score

TASK = Task(budget_j=1e5)


def finished(work, trial, history):
    """What a slice of the toy gives, trained to its end."""
    before = trials_of(history).get(trial)
    done = before.epochs if before else 0
    epoch_j = energy_j(work.params)
    curve = tuple(
        CurvePoint(epoch, (epoch - done) * epoch_j, score(work.params) - 0.1 / epoch, 0.5)
        for epoch in range(done + 1, work.until + 1)
    )
    state = State.PAUSED if work.pause else State.COMPLETE
    total_j = (work.until - done) * epoch_j
    return Told(
        work.params, state, curve[-1].score, total_j, trial=trial, epochs=work.until, curve=curve
    )


def search_side_by_side(name, n_slices, width, *, last_first=True):
    """Keep ``width`` slices in flight, of which the latest or the earliest ends first.

    Returns all that was begun, in its order, what was told, and how often the strategy waited.
    """
    history, flying, begun, n_waits, waits = [], [], [], 0, False
    while len(begun) < n_slices:
        if not waits and len(flying) < width:
            strategy = RECIPES[name].build(SPACE, 0, TASK)
            spent_j = sum(told.energy_j for told in history)
            work = ask_beside(strategy, history, flying, spent_j)
            if work is None and not flying:
                break
            if work is None:
                waits, n_waits = True, n_waits + 1
                continue
            n_trials = len({trial for trial, _ in begun})
            begun.append((n_trials if work.trial is None else work.trial, work))
            flying.append(begun[-1])
        else:
            trial, work = flying.pop(-1 if last_first else 0)
            history.append(finished(work, trial, history))
            waits = False
    return begun, history, n_waits


@each_of(RECIPES)
def test_no_candidate_is_begun_twice_and_no_slice_in_flight_is_gone_on_with(name):
    fits_slowly = name.startswith(("gp", "skopt", "pbgi"))
    n_slices = 14 if fits_slowly else 26
    begun, history, n_waits = search_side_by_side(name, n_slices, 4)
    new = [json.dumps(work.params, sort_keys=True) for _, work in begun if work.trial is None]
    # A genetic search proposes some of its own again, in flight or not.
    assert len(set(new)) == len(new) or name == "nsga2"
    slices = [(trial, work.until, work.until_j) for trial, work in begun]
    assert len(set(slices)) == len(slices) >= 10
    assert [trial for trial, work in begun if work.trial is None] == list(range(len(new)))
    assert n_waits == 0 or name in ("cmaes", "pbgi")
    if RECIPES[name].prunes:
        assert any(work.trial is not None for _, work in begun)
    # And it is a function of seed and history.
    flying = [each for each in begun if each[0] not in {told.trial for told in history}]
    asked = [
        ask_beside(RECIPES[name].build(SPACE, 0, TASK), history, flying, 100.0) for _ in range(2)
    ]
    assert asked[0] == asked[1]


@each_of(RECIPES)
def test_a_batch_is_what_is_asked_for_one_by_one(name):
    _, history, _ = search_side_by_side(name, 12, 3)
    numbers = {told.trial for told in history}
    spent_j, flying = sum(told.energy_j for told in history), []
    for _ in range(4):
        strategy = RECIPES[name].build(SPACE, 0, TASK)
        if (work := ask_beside(strategy, history, flying, spent_j)) is None:
            break
        number = max(numbers) + 1 if work.trial is None else work.trial
        numbers.add(number)
        flying.append((number, work))
    works = [work for _, work in flying]
    strategy = RECIPES[name].build(SPACE, 0, TASK)
    assert ask_batch(strategy, history, 4, spent_j) == works
    strategy = RECIPES[name].build(SPACE, 0, TASK)
    assert ask_batch(strategy, history, 3, spent_j, flying[:1]) == works[1:]


@pytest.mark.parametrize("name", ["random", "asha", "frugal", "sobol", "tpe", "cmaes"])
def test_batches_propose_no_candidate_twice(name):
    history, begun = [], []
    for _ in range(5):
        strategy = RECIPES[name].build(SPACE, 0, TASK)
        spent_j = sum(told.energy_j for told in history)
        batch = ask_batch(strategy, history, 8, spent_j)
        assert batch
        for work in batch:
            if work.trial is None:
                begun.append(json.dumps(work.params, sort_keys=True))
            trial = len(begun) - 1 if work.trial is None else work.trial
            history.append(finished(work, trial, history))
    assert len(set(begun)) == len(begun)


def test_a_batch_is_shorter_where_the_work_ends_and_never_empty_by_wish():
    few = Space.parse({"width": [8, 16, 32], "epochs": 2})
    assert len(ask_batch(RECIPES["grid"].build(few, 0), [], 8, 0.0)) == 3
    assert len(ask_batch(RECIPES["grid"].build(few, 0), [], 2, 0.0)) == 2
    for count in (0, 1.5, "2"):
        with pytest.raises(ConfigurationError, match=f"a batch of {count!r} slices is none"):
            ask_batch(RECIPES["grid"].build(few, 0), [], count, 0.0)


def test_its_examples_run():
    assert doctest.testmod(pending).failed == 0


def test_one_at_a_time_is_what_it_always_was():
    for name in ("random", "cmaes", "asha", "grid"):
        begun, history, _ = search_side_by_side(name, 20, 1)
        strategy = RECIPES[name].build(SPACE, 0, TASK)
        for (_, work), told in zip(begun, history, strict=False):
            assert strategy.ask(0.0) == work
            strategy.tell(told)


def test_cmaes_moves_by_the_results_of_its_generation_in_whatever_order_they_come():
    # A generation is waited for, so the order within it changes nothing that is proposed.
    forth, back = (
        search_side_by_side("cmaes", 30, 3, last_first=last_first)[0] for last_first in (0, 1)
    )
    alone = search_side_by_side("cmaes", 30, 1)[0]
    assert [w.params for _, w in forth] == [w.params for _, w in back]
    assert [w.params for _, w in forth] == [w.params for _, w in alone]


def test_rungs_are_judged_by_true_scores_alone():
    history = [
        Told(
            {"x": n}, State.PAUSED, 0.5, 2.0, trial=n, epochs=1, curve=(CurvePoint(1, 2.0, 0.5, 1),)
        )
        for n in range(3)
    ]
    goes_on = lie(Work({"x": 1}, 3, pause=True, trial=1), 1, history)
    new = lie(Work({"x": 9}, 1, pause=True), 3, history)
    last = lie(Work({"x": 2}, 9, trial=2), 2, history)
    for each in (goes_on, new, last):
        assert (each.state, each.score, each.energy_j) == (State.TRUNCATED, None, 2.0)
    assert [each.epochs for each in (goes_on, new, last)] == [1, 0, 1]


@pytest.mark.parametrize(
    ("scores", "liar"), [([], None), ([0.2, 0.9, 0.4], 0.4), ([0.2, None], 0.2)]
)
def test_a_whole_training_is_said_to_be_middling(scores, liar):
    history = [Told({}, State.COMPLETE, each, 3.0, trial=n) for n, each in enumerate(scores)]
    told = lie(Work({"x": 1}, 4, predicted_j=7.0), 9, history)
    assert (told.state, told.score, told.epochs) == (State.COMPLETE, liar, 4)
    assert (told.energy_j, told.pending) == (7.0, True)


WITH_SHAPES = Space.parse(
    {
        "width": {"type": "int", "low": 8, "high": 64},
        "kernel": {"type": "categorical", "choices": [3, 5]},
        "optimizer": {"type": "categorical", "choices": ["sgd", "adam"]},
        "momentum": {"low": 0.0, "high": 0.9, "when": {"optimizer": "sgd"}},
        "rate": {"low": 1e-4, "high": 1e-1, "log": True},
        "epochs": 4,
    }
)


def shape_of(params):
    return {"width": params["width"], "kernel": params["kernel"]}


@pytest.mark.parametrize("name", ["random", "sobol", "grid", "asha", "hyperband", "frugal"])
def test_a_batch_of_one_shape_differs_in_all_else(name):
    history = []
    for _ in range(3):
        strategy = RECIPES[name].build(WITH_SHAPES, 0, TASK)
        new = len(trials_of(history))
        batch = ask_batch(strategy, history, 3, 0.0, shared_of=shape_of)
        assert len({tuple(shape_of(work.params).items()) for work in batch}) == 1
        begun = [work for work in batch if work.trial is None]
        assert len({repr(work.params) for work in begun}) == len(begun)
        for work in batch:
            assert WITH_SHAPES.complete(WITH_SHAPES.activate(work.params)) == work.params
            number = work.trial if work.trial is not None else new
            new += work.trial is None
            curve = tuple(
                CurvePoint(e, 1.0 * e, 0.5 + 0.1 * e, 0.5) for e in range(1, work.until + 1)
            )
            state = State.PAUSED if work.pause else State.COMPLETE
            history.append(
                Told(
                    work.params,
                    state,
                    curve[-1].score,
                    2.0,
                    trial=number,
                    epochs=work.until,
                    curve=curve,
                )
            )
    assert len(history) >= 6


def test_who_cannot_propose_others_of_one_shape_gives_one_at_a_time():
    strategy = RECIPES["tpe"].build(WITH_SHAPES, 0, TASK)
    assert len(ask_batch(strategy, [], 3, 0.0, shared_of=shape_of)) == 1


def test_a_candidate_that_is_to_be_alone_is():
    strategy = RECIPES["random"].build(WITH_SHAPES, 0, TASK)
    assert len(ask_batch(strategy, [], 3, 0.0, shared_of=lambda _: None)) == 1
