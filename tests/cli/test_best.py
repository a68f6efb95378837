"""From a search to what is used: the predictor, the refit and the exported file."""

import json
import re
import signal
from dataclasses import replace
from shutil import copytree

import numpy as np
import pytest
import torch
import yaml

import perjoule
from perjoule.benchmarks.comparison.events import RefitEvent
from perjoule.benchmarks.comparison.ledger import Ledger
from perjoule.benchmarks.comparison.refit import refit_facts
from perjoule.models.data import load
from perjoule.models.objective import Objective
from perjoule.models.outcome import State

from ..command import call

SEARCH = ("tune", "--strategy", "random", "--meter", "model", "--device", "cpu")


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """The folder of a finished search of a second."""
    path = tmp_path_factory.mktemp("best") / "run"
    ended = call(*SEARCH, "--budget", "1 J", "--out", path)
    assert ended.code == 0, ended.err
    return path


@pytest.fixture(scope="module")
def refitted(searched, tmp_path_factory):
    """The same after a refit, and what was printed."""
    path = copytree(searched, tmp_path_factory.mktemp("refitted") / "run")
    ended = call("tune", "--resume", "--refit", "--out", path)
    assert ended.code == 0, ended.err
    return path, ended


def raw(split, data):
    """Images of a split as the data set gives them, in their order."""
    images = split.inputs.permute(0, 2, 3, 1)
    mean, deviation = map(torch.tensor, (data.normalisation.mean, data.normalisation.deviation))
    pixels = (images * deviation + mean).round()
    assert torch.equal((pixels - mean) / deviation, images)
    return pixels.to(torch.uint8).numpy()


def best_of(path):
    return json.loads((path / "best.json").read_text())


def events_of(path):
    return [json.loads(line) for line in (path / "ledger.jsonl").read_text().splitlines()]


def accuracy(predictor, split, data):
    right = predictor(raw(split, data)).argmax(dim=1) == split.labels
    return int(right.sum()) / len(split)


def test_raw_images_give_exactly_the_scores_that_the_search_reported(searched):
    data, best, predictor = load("digits"), best_of(searched), perjoule.load_best(searched)
    assert abs(accuracy(predictor, data.test, data) - best["test_score"]) < 1e-9
    assert abs(accuracy(predictor, data.validation, data) - best["score"]) < 1e-9
    assert best["score"] == perjoule.report(searched).trials["score"].max()
    assert predictor.class_names == data.class_names == tuple(best["class_names"])


def test_a_refit_is_metered_beside_the_budget_and_becomes_the_best_network(searched, refitted):
    path, ended = refitted
    before, best, data = best_of(searched), best_of(path), load("digits")
    again = best.pop("refit")
    assert {**before, "refit": None} == {**best, "refit": None}  # what the search found stays
    assert again["state"] == "complete"
    assert again["earlier_j"] == 0 < again["startup_j"] < again["energy_j"]
    predictor = perjoule.load_best(path)
    assert abs(accuracy(predictor, data.test, data) - again["test_score"]) < 1e-9
    # A third more samples for as many epochs, by a meter that counts operations.
    assert 1.1 < again["energy_j"] / _joules_of_as_many_epochs(path, best, again["epochs"]) < 1.4
    [sentence] = re.findall(r"Trained again.*", ended.out)
    assert f"{100 * again['test_score']:.1f} %" in sentence
    assert "beside the budget" in sentence
    page = (path / "report.html").read_text()
    assert "Trained again" in page
    assert "Trained again" not in (searched / "report.html").read_text()
    [run] = json.loads((path / "summary.json").read_text())["runs"]
    assert run["spent_j"] == best["spent_j"] <= 1.0


def _joules_of_as_many_epochs(path, best, epochs):
    curves = perjoule.report(path).curves
    own = curves[(curves["trial"] == best["trial"]) & (curves["epoch"] == epochs)]
    return float(own["energy_j"].iloc[0])


def test_a_refit_of_an_own_objective_is_refused_before_a_joule_is_spent(tmp_path):
    file, path = tmp_path / "own.yaml", tmp_path / "run"
    file.write_text("objective: mine:train\nspace: {rate: {low: 0, high: 1}}\nmetric: rmse")
    ended = call(*SEARCH, file, "--refit", "--out", path)
    assert (ended.code, path.exists()) == (2, False)
    assert "refit trains on train and validation data together" in ended.err


def test_a_refit_is_not_done_again(refitted, tmp_path):
    path = copytree(refitted[0], tmp_path / "run")
    before = (best_of(path), (path / "best.pt").read_bytes())
    perjoule.tune(out=path, resume=True, refit=True)
    assert (best_of(path), (path / "best.pt").read_bytes()) == before
    assert [each["event"] for each in events_of(path)].count("refit") == 2  # it began and ended


def test_a_refit_that_is_stopped_leaves_the_search_as_it_was(searched, refitted, tmp_path):
    path = copytree(searched, tmp_path / "run")
    train, asked = Objective.train_slice, []

    def pressed_in_the_middle(self, params, assignment, checkpoint=None):
        def ask():
            asked.append(1)
            if len(asked) == 12:
                signal.raise_signal(signal.SIGINT)
            return assignment.interrupted()

        is_refit = getattr(assignment.interrupted, "__module__", "").endswith(".refit")
        changed = replace(assignment, interrupted=ask) if is_refit else assignment
        return train(self, params, changed, checkpoint)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Objective, "train_slice", pressed_in_the_middle)
        ended = call("tune", "--resume", "--refit", "--out", path)
    assert ended.code == 130, ended.err
    assert "perjoule tune --resume --refit --out" in ended.err
    assert best_of(path) == best_of(searched)
    assert (path / "best.pt").read_bytes() == (searched / "best.pt").read_bytes()
    lost_j = json.loads((path / "summary.json").read_text())["refit"]["energy_j"]
    assert lost_j > 0
    again, unbroken = _resumed(path), best_of(refitted[0])["refit"]
    assert again["earlier_j"] == pytest.approx(lost_j)
    for name in ("state", "energy_j", "epochs", "test_score"):
        assert again[name] == unbroken[name]


def _resumed(path):
    return perjoule.tune(out=path, resume=True, refit=True).summary["refit"]


def test_nobody_knows_what_a_refit_spent_that_was_killed(searched, tmp_path):
    path = copytree(searched, tmp_path / "run")
    begun = RefitEvent(run="random-0", trial=best_of(path)["trial"])
    with Ledger(path / "ledger.jsonl") as ledger:
        ledger.append(begun)
    result = perjoule.report(path)
    assert result.interrupted
    assert result.summary["refit"]["energy_j"] is None
    done = replace(begun, state=State.COMPLETE, energy_j=2.0)
    facts = refit_facts([begun, begun, done])
    assert (facts.state, facts.energy_j, facts.earlier_j) == ("complete", 2.0, None)
    assert refit_facts([begun, replace(done, state=State.FAILED), begun, done]).earlier_j == 2.0


def test_a_folder_of_an_earlier_version_is_normalised_by_its_data(searched, tmp_path):
    path = copytree(searched, tmp_path / "run")
    description = yaml.safe_load((path / "experiment.yaml").read_text())
    for name in ("normalisation", "class_names"):
        del description["data"][name]
    (path / "experiment.yaml").write_text(yaml.safe_dump(description))
    perjoule.report(path)
    assert best_of(path)["normalisation"] is None
    images = np.random.default_rng(0).integers(0, 17, (9, 8, 8, 1), np.uint8)
    torch.testing.assert_close(
        perjoule.load_best(path)(images), perjoule.load_best(searched)(images), rtol=0, atol=0
    )
    description["data"]["fingerprint"] = "another"
    (path / "experiment.yaml").write_text(yaml.safe_dump(description))
    with pytest.raises(perjoule.ConfigurationError, match="not the data it was trained on"):
        perjoule.load_best(path)


OWN = """
def train(trial):
    for epoch in trial.epochs():
        trial.report(accuracy=trial.params["x"])
        trial.save({"weight": trial.params["x"]})
"""


def test_what_an_own_objective_saved_is_kept_but_is_no_predictor(tmp_path, monkeypatch):
    (tmp_path / "ownfun.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    search = {"objective": "ownfun:train", "space": {"x": [0.5]}, "meter": "cpu_time"}
    with pytest.raises(perjoule.ConfigurationError, match="own objective"):
        perjoule.tune("grid", "1 kJ", out=tmp_path / "run", refit=True, **search)
    assert not (tmp_path / "run").exists()
    perjoule.tune("grid", "1 kJ", out=tmp_path / "run", **search)
    assert torch.load(tmp_path / "run" / "best.pt") == {"weight": 0.5}
    with pytest.raises(perjoule.ConfigurationError, match=r"torch\.load\('best\.pt'\)"):
        perjoule.load_best(tmp_path / "run")


def changed(**parts):
    def change(path):
        (path / "best.json").write_text(json.dumps({**best_of(path), **parts}))

    return change


def pickled(path):
    torch.save({"weight": print}, path / "best.pt")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "best.json").unlink(), "run `perjoule tune` first"),
        (lambda path: (path / "best.pt").unlink(), r"best\.pt: cannot be read"),
        (lambda path: (path / "best.json").write_text("{"), r"best\.json: damaged"),
        (lambda path: (path / "best.json").write_text("[1]"), r"best\.json: damaged"),
        (lambda path: (path / "best.json").write_text("[" * 100_000), r"best\.json: damaged"),
        (lambda path: (path / "best.pt").write_bytes(b"junk"), "damaged"),
        (lambda path: (path / "best.pt").write_bytes(b""), "damaged"),
        (pickled, "more than weights"),
        (lambda path: torch.save([1], path / "best.pt"), "holds no weights"),
        (lambda path: torch.save({"w": 1}, path / "best.pt"), "weights are of another network"),
        (changed(architecture="os:system"), "--trust"),
        (changed(architecture="nowhere:build"), "--trust"),
        (changed(architecture="cnm"), "unknown architecture 'cnm'"),
        (changed(architecture=3), "architecture = 3"),
        (changed(shape=[8, 8]), r"shape = \[8, 8\]"),
        (changed(shape=[3, 8, 8]), "1 means"),
        (changed(shape=[]), "shape"),
        (changed(n_classes=3), "n_classes = 3"),
        (changed(tasks=[4, 4]), "tasks"),
        (changed(normalisation={"mean": [0], "deviation": [0]}), "above zero"),
        (changed(normalisation={"mean": ["x"], "deviation": [1]}), "normalisation"),
        (changed(params=None), "params"),
        (changed(params={"width": 10**7}), "another network"),
        (changed(params={"nonsense": 1}), "nonsense"),
    ],
)
def test_a_folder_of_a_stranger_is_refused_in_one_line(damage, message, searched, tmp_path):
    path = copytree(searched, tmp_path / "run")
    damage(path)
    before = sorted(path.rglob("*"))
    ended = call("export", path)
    assert (ended.code, ended.out) == (2, "")
    assert re.search(message, ended.message), ended.message
    assert sorted(path.rglob("*")) == before


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
def test_a_best_network_is_exported_into_its_folder(searched, tmp_path):
    path = copytree(searched, tmp_path / "run")
    ended = call("export", path)
    assert ended.code == 0, ended.err
    assert "best.torchscript.pt written" in ended.out
    images = np.random.default_rng(0).integers(0, 17, (9, 8, 8, 1), np.uint8)
    given = torch.jit.load(path / "best.torchscript.pt")(torch.from_numpy(images))
    wanted = perjoule.load_best(path, precision="float32")(images)
    torch.testing.assert_close(given.detach(), wanted, rtol=0, atol=1e-4)
    torch.testing.assert_close(perjoule.load_best(path)(images), wanted, rtol=0, atol=0.05)


def test_the_ending_of_a_file_says_its_format(searched, tmp_path):
    written = perjoule.export(searched, out=tmp_path / "mine.pt2")
    assert written.form == "torch-export"
    with pytest.raises(perjoule.UnknownNameError, match="unknown format 'onx': did you mean"):
        perjoule.export(searched, "onx")
