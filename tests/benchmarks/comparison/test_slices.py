"""Trials in slices: a strategy pauses them and goes on with some, across kills and resumes."""

import pytest

import perjoule

from ..conftest import SPACE
from .ledgers import cut, read_ledger, spent_j

LADDER = '''
"""Every third trial is trained to the end; all others stop after an epoch."""

from perjoule import Work
from perjoule.models.outcome import State


class Ladder:
    def __init__(self, space, seed, joules=None):
        self.space, self.joules, self.told = space, joules, []

    def ask(self, spent_j):
        last = self.told[-1] if self.told else None
        if last is not None and last.state is State.PAUSED and last.trial % 3 == 0:
            return Work(last.params, 3, trial=last.trial)
        params = {**self.space.cheapest(), "width": 8 + len(self.told) % 8, "epochs": 3}
        return Work(params, 3 if self.joules else 1, until_j=self.joules, pause=True)

    def tell(self, result):
        self.told.append(result)


def by_joules(space, seed):
    return Ladder(space, seed, joules=1e-6)


def impatient(space, seed):
    strategy = Ladder(space, seed)
    strategy.ask = lambda spent_j: Work({**space.cheapest(), "epochs": 3}, 3, trial=7)
    return strategy
'''


OPTIONS = {"budget": "0.2 J", "seeds": 1, "meter": "model", "workers": 1, "space": SPACE}


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Compare a strategy of the module above."""
    folder = tmp_path_factory.mktemp("ladder")
    (folder / "ladder.py").write_text(LADDER)

    def run(name, **options):
        strategies = [f"ladder:{name}"]
        return perjoule.compare(out=folder / name, strategies=strategies, **(OPTIONS | options))

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield run


@pytest.fixture(scope="module")
def ladder(compared):
    return compared("Ladder")


@pytest.mark.thorough
def test_slices_add_up_to_trials(ladder):
    trials = ladder.trials
    slices = [event for event in read_ledger(ladder.folder) if event["event"] == "slice"]
    assert len(slices) > len(trials)
    for _, row in trials.iterrows():
        own = [event for event in slices if event["trial"] == row["trial"]]
        assert (len(own) == 2) == (row["trial"] % 3 == 0 and own[0]["state"] == "paused")
        assert row["energy_j"] == pytest.approx(sum(event["energy_j"] for event in own))
        known = [event["score"] for event in own if event["score"] is not None]
        assert known == [] or row["score"] == known[-1]
        assert row["epochs"] == own[-1]["epochs"]
    assert set(trials["state"]) >= {"complete", "pruned"}
    [run] = ladder.summary["runs"]
    assert run["spent_j"] == pytest.approx(spent_j(ladder.folder)[run["run"]])
    assert run["spent_j"] <= ladder.summary["allotment_j"] * 1.01
    assert not list((ladder.folder / "checkpoints").iterdir())


def test_a_trial_in_slices_is_the_trial_in_one_piece(ladder, tmp_path):
    row = ladder.trials.set_index("trial").to_dict("index")[0]
    curve = ladder.curves[ladder.curves["trial"] == 0]
    assert list(curve["epoch"]) == [1, 2, 3]
    assert curve["energy_j"].is_monotonic_increasing
    # The second slice builds the network anew before its state is loaded.
    assert curve["energy_j"].iloc[-1] == pytest.approx(row["energy_j"], rel=0.05)
    params = {name.removeprefix("p."): row[name] for name in row if name.startswith("p.")}
    alone = perjoule.compare(
        out=tmp_path / "alone",
        strategies=["random"],
        **OPTIONS | {"budget": "0.12 J", "space": {**SPACE, **params, "dropout": [0.0, 0.1]}},
    )
    same = alone.trials[alone.trials["p.dropout"] == 0.0]
    assert set(same.loc[same["state"] == "complete", "score"]) == {row["score"]}


def test_a_rung_of_joules_ends_at_the_end_of_an_epoch(compared):
    result = compared("by_joules", budget="0.05 J")
    paused = [e for e in read_ledger(result.folder) if e.get("state") == "paused"]
    assert paused
    assert {event["epochs"] for event in paused} == {1}  # a rung far below one epoch


def test_resumed_in_the_middle_of_a_trial_it_goes_on_with_it(ladder, compared, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "experiment.yaml").write_bytes((ladder.folder / "experiment.yaml").read_bytes())
    (folder / "ledger.jsonl").write_bytes((ladder.folder / "ledger.jsonl").read_bytes())
    events = read_ledger(ladder.folder)
    cut(folder, 1 + next(n for n, each in enumerate(events) if each.get("state") == "paused"))
    resumed, before = perjoule.compare(out=folder, resume=True).trials, ladder.trials
    for name in ("trial", "score", "epochs"):
        assert list(resumed[name][: len(before) - 3]) == list(before[name][: len(before) - 3])


def test_going_on_with_a_trial_that_is_not_paused_ends_the_run(compared):
    [run] = compared("impatient", budget="0.05 J").summary["runs"]
    assert run["status"] == "strategy error"
    assert "trial 7, which is not paused" in run["reason"]
