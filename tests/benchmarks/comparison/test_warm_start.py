"""Comparisons that learn from earlier searches and may stop early, also when resumed."""

import json

import pytest
import yaml

import perjoule
from perjoule import load_table
from perjoule.benchmarks.comparison.folder import WARM_START
from perjoule.benchmarks.comparison.loading import load_earlier
from perjoule.benchmarks.performance.tasks import TABLES
from perjoule.errors import ConfigurationError, DataError, OutputError
from perjoule.models.metric import METRICS

from ...command import call
from ..learners import WHY

SPACE = {"rate": {"low": 0.01, "high": 0.9, "log": True}, "epochs": 3}
OPTIONS = {"space": SPACE, "seeds": 1, "meter": "model", "budget": "3 mJ"}


def local():
    """An objective that is trained in this process, which knows the strategies of tests."""

    def fit(trial):
        for epoch in trial.epochs():
            trial.count_operations(1e6)
            trial.report(accuracy=trial.params["rate"] * (1 - 0.5 ** (epoch + 1)))

    return fit


@pytest.fixture
def before(tmp_path):
    """The folder of an earlier search."""
    return compare(tmp_path / "before", ["random"]).folder


def compare(out, strategies, **options):
    given = {**OPTIONS, **options}
    return perjoule.compare(out=out, objective=local(), strategies=strategies, **given)


def go_on(out, **options):
    """Resume a comparison."""
    return perjoule.compare(out=out, resume=True, **options)


def test_a_search_learns_from_a_run_folder_and_its_own_folder_needs_it_no_more(
    tmp_path, before, learner
):
    best = load_table(before).trials["score"].max()
    result = compare(tmp_path / "run", ["learner", "random"], warm_start=[before])
    trials = result.trials[result.trials["strategy"] == "learner"]
    assert trials["score"].iloc[0] == pytest.approx(best)
    n_known = len(load_table(before).trials)
    [told] = [note for note in result.analysis.notes if "learns from" in note]
    assert told.startswith(f"learner learns from {n_known} trials of 1 table (before), which took")
    assert "random is told nothing of them" in told
    assert result.summary["runs"][0]["spent_j"] <= 0.0015 * 1.01
    description = yaml.safe_load((result.folder / "experiment.yaml").read_text())
    assert description["warm_start"]["learners"] == ["learner"]
    assert description["experiment"]["warm_start"] == [str(before)]

    # Without the earlier folder it goes on, is read and is replayed.
    before.rename(tmp_path / "gone")
    known = learner.tasks[-1].earlier
    assert go_on(result.folder, objective=local()).trials.equals(result.trials)
    assert learner.tasks[-1].earlier == known
    assert perjoule.report(result.folder).analysis.notes == result.analysis.notes
    with pytest.raises(ConfigurationError, match=r"warm_start .* was begun with"):
        go_on(result.folder, warm_start=[tmp_path / "gone"])
    copy = result.folder / WARM_START
    copy.write_text(copy.read_text().replace("0.", "0.1", 1))
    with pytest.raises(OutputError, match=f"{WARM_START}: damaged .it is not what"):
        go_on(result.folder)
    copy.unlink()
    with pytest.raises(OutputError, match=f"{WARM_START}: damaged"):
        go_on(result.folder)


@pytest.mark.usefixtures("learner")
def test_a_search_that_stops_early_says_why_and_what_it_left(tmp_path):
    out, space = tmp_path / "run", {"learning_rate": {"low": 1e-3, "high": 0.1}, "epochs": 1}
    (tmp_path / "e.yaml").write_text(yaml.safe_dump({"stop_early": 0.001, "space": space}))
    common = ("--strategy", "learner", "--budget", "1 J", "--meter", "model", "--workers", 1)
    ended = call("tune", tmp_path / "e.yaml", *common, "--train-limit", 100, "--out", out)
    assert ended.code == 0, ended.err
    said = " ".join(ended.out.split())
    assert "No trial was validated: 0 J spent on 0 trials" in said
    assert f"learner-0 ended with no more work ({WHY}): 1.00 J of 1.00 J were not spent." in said
    summary = json.loads((out / "summary.json").read_text())
    [run] = summary["runs"]
    assert (run["status"], run["reason"]) == ("no work", WHY)
    assert summary["experiment"]["stop_early"] == 0.001
    page = (out / "report.html").read_text()
    assert "were not spent" in page
    assert "--stop-early 0.001" in page
    with pytest.raises(ConfigurationError, match=r"stop_early = 0\.1, but"):
        go_on(out, stop_early=0.1)


@pytest.mark.usefixtures("learner")
@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"stop_early": 0.0}, ConfigurationError, "stop_early"),
        ({"stop_early": 0.1, "budget": "unlimited", "trials": 2}, ConfigurationError, "no worth"),
        ({"warm_start": "a,,b"}, ConfigurationError, "a table is empty"),
        ({"warm_start": "a,a"}, ConfigurationError, "a is named twice"),
        ({"warm_start": "nowhere"}, DataError, "nowhere: no such file"),
        ({"strategies": ["random"], "stop_early": 0.1}, ConfigurationError, "none of random stops"),
        ({"strategies": ["deaf"], "warm_start": "a"}, ConfigurationError, "none of deaf learns"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(tmp_path, given, error, message):
    with pytest.raises(error, match=message):
        compare(tmp_path / "run", **{"strategies": ["learner"], **given})
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("learner")
def test_a_described_table_without_a_metric_is_of_accuracy(tmp_path):
    digits = TABLES / "digits"
    options = {"strategies": "learner", "metric": "loss", "meter": "model", "out": tmp_path / "run"}
    with pytest.raises(DataError, match=r"digits: its score is accuracy .*optimised here is loss"):
        perjoule.compare(warm_start=digits, **options)
    [bare] = load_earlier([load_table(digits).trials], METRICS["loss"])
    assert bare.metric == METRICS["loss"]
