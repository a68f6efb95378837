"""Other projects' optimisers as strategies; those that are not installed are skipped."""

import logging
from collections import Counter
from importlib.util import find_spec

import pytest

from perjoule.benchmarks.performance.peers import KNOWN, PEERS, VERSIONS
from perjoule.benchmarks.performance.peers.of_neps import published_prior
from perjoule.benchmarks.performance.peers.trials import Rung, Rungs, Stopped
from perjoule.benchmarks.replay.simulation import Simulation, Terms, play
from perjoule.models.metric import ACCURACY
from perjoule.models.outcome import State
from perjoule.models.space import Space
from perjoule.tuners.registry import Builder
from perjoule.tuners.strategy import Task

SPACE = Space.parse(
    {
        "learning_rate": {"low": 1e-4, "high": 1.0, "log": True},
        "width": {"low": 8, "high": 64},
        "optimizer": ["sgd", "adam"],
        "epochs": {"low": 1, "high": 9},
    }
)
WHOLE = {"optuna-tpe", "optuna-gp", "neps", "neps-cost", "flaml", "smac", "smac-eips"}
WHOLE |= {"syne-botorch"}
DEAR = {"optuna-gp-median", "optuna-gp-hyperband", *WHOLE}


class Curves:
    """An objective whose epochs cost a joule each, and whose best rate is 0.01."""

    space, metric, n_samples, cheapest_j, cost_of = SPACE, ACCURACY, 1, 1.0, None

    def curve(self, params, trial, seed):
        off = abs(len(str(int(1 / params["learning_rate"]))) - 3) + (params["optimizer"] == "sgd")
        return 0.0, [(1.0, 0.9 - 0.1 * off - 0.3 / epoch) for epoch in range(1, 10)]


@pytest.fixture(autouse=True)
def quiet():
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    yield
    logging.disable(before)


def built(name: str) -> Builder:
    module, build = KNOWN[name]
    if not find_spec(module):
        pytest.skip(f"{module} is not installed")
    return build


def budget_j(name: str) -> float:
    """Less for those whose models take long."""
    return 63.0 if name in DEAR else 135.0


def search(name: str) -> Simulation:
    return play(built(name), Curves(), Terms(budget_j(name), 3, name))


def slices(found: Simulation) -> list[tuple]:
    return [(each.trial, each.epochs, each.score, each.energy_j) for each in found.slices]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", KNOWN)
def test_a_peer_spends_its_budget_and_is_the_same_for_a_seed(name):
    found = search(name)
    assert not found.error
    assert found.slices[-1].spent_j == pytest.approx(budget_j(name), abs=9.0)
    assert slices(search(name)) == slices(found)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in KNOWN if "flaml" not in name])
def test_another_seed_begins_elsewhere(name):  # BlendSearch always begins at the cheapest
    first, other = (built(name)(SPACE, seed, Task(budget_j=72.0)).ask(0.0) for seed in (3, 4))
    assert first.params != other.params


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(KNOWN.keys() - WHOLE))
def test_a_peer_of_several_fidelities_stops_most_trials_and_goes_on_with_others(name):
    found = search(name)
    reached = Counter[int]()
    for each in found.slices:
        assert each.energy_j <= each.epochs - reached[each.trial] + 1e-9  # nothing is paid twice
        assert each.epochs > reached[each.trial] or each.state is State.TRUNCATED
        reached[each.trial] = each.epochs
    full = sum(epochs == 9 for epochs in reached.values())
    assert 0 < full < len(reached)
    assert len(found.slices) > len(reached)


def test_the_installed_ones_say_their_versions():
    assert VERSIONS.keys() == PEERS.keys() <= KNOWN.keys()
    package, number = VERSIONS["optuna-tpe"].split()
    assert (package, number.split(".")[0].isdigit()) == ("optuna", True)


def test_a_published_prior_is_told_by_centre_and_deviation():
    rate, epochs = {"low": 1e-4, "high": 1.0, "log": True}, {"low": 1, "high": 9}
    axes = {"learning_rate": rate, "width": {"low": 8, "high": 64}, "epochs": epochs}
    [(name, (centre, deviation))] = published_prior(
        Space.parse({**axes, "optimizer": "adam"})
    ).items()
    assert name == "learning_rate"
    assert centre == pytest.approx(1e-3, rel=0.1)
    assert deviation == pytest.approx(0.5 / 4, rel=0.1)  # half a decade of four
    [(centre, wider)] = published_prior(SPACE).values()  # of two optimisers
    assert (1e-3 < centre < 10**-1.5, wider > deviation) == (True, True)
    assert published_prior(Space.parse({**axes, "optimizer": "unheard of"})) == {}


def params(width: int) -> dict:
    return {"learning_rate": 0.1, "width": width, "optimizer": "sgd"}


def test_a_promoted_trial_goes_on_where_its_key_or_its_hyperparameters_are_known():
    asked = iter(
        [
            Rung("a", params(8), 1.0, 7),
            Rung("b", params(9), 2.9, None),
            Rung("c", params(8), 9.0, 7),
            Rung("d", params(9), 3.0, None),  # not further: begun anew
        ]
    )
    told = []
    peer = Rungs(SPACE, lambda: next(asked, None), lambda handle, _: told.append(handle))
    found = play(lambda *_: peer, Curves(), Terms(budget_j=100.0))
    assert [(each.trial, each.epochs) for each in found.slices] == [(0, 1), (1, 3), (0, 9), (2, 3)]
    assert told == ["a", "b", "c", "d"]


def test_a_stopped_trial_is_over_and_every_epoch_is_reported():
    handles = iter([("a", params(8)), ("b", params(9))])
    reported, finished = [], []

    def report(handle, epoch, score):
        reported.append((handle, epoch))
        return handle == "a" and epoch == 3

    peer = Stopped(
        SPACE,
        lambda: next(handles, None),
        report,
        lambda handle, result, stopped: finished.append((handle, result.epochs, stopped)),
        decisions=[1, 3],
    )
    found = play(lambda *_: peer, Curves(), Terms(budget_j=100.0))
    assert reported == [("a", e) for e in range(1, 4)] + [("b", e) for e in range(1, 10)]
    assert finished == [("a", 3, True), ("b", 9, False)]
    assert [each.energy_j for each in found.slices] == [1.0, 2.0, 1.0, 2.0, 6.0]
