"""What run folders once got wrong at one door or another; each was a report of somebody's."""

import json
import signal

import pytest

import perjoule
from perjoule.reports.format import format_interval, format_percent

from ..command import call
from .conftest import CtrlC

TINY = {
    "conv_blocks": 1,
    "width": 8,
    "learning_rate": {"low": 1e-3, "high": 0.1, "log": True},
    "epochs": 1,
}
OPTIONS = ("--meter", "model", "--workers", "1", "--device", "cpu")


class StopsAtOnce(CtrlC):
    """Is pressed as soon as anything is shown."""

    def update(self, runs, inflight_j):
        if not self.pressed:
            self.pressed = True
            signal.raise_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def poor(tmp_path_factory):
    """Five runs a strategy with so few joules that some have no result; no space is named."""
    out = tmp_path_factory.mktemp("poor") / "run"
    arguments = ("--strategies", "random,asha,sobol", "--budget", "0.9 J", "--seeds", "5")
    ended = call("compare", *arguments, *OPTIONS, "--out", out)
    assert ended.code == 0, ended.err
    return out


def test_a_page_does_not_contradict_its_verdict(poor):
    """Runs without a result were left out of one interval and counted as 0 in another."""
    analysis = perjoule.report(poor).analysis
    [group] = analysis.groups
    page = (poor / "report.html").read_text("utf-8").replace("\u00a0", " ")
    without = [own for own in group.strategies.values() if own.score is None or own.score.n < 5]
    assert without, "the case is gone"
    assert analysis.headline in page
    for own in group.strategies.values():
        found = own.equal_energy["1.0"]
        if found is not None:
            assert found.n == own.runs == 5
            assert f"{format_percent(found.median)}<" in page
            assert f"<small>{format_interval(found, format_percent)}</small>" in page


def test_a_page_is_written_of_a_run_whose_experiment_names_no_space(poor, tmp_path):
    ended = call("report", poor, "--html", tmp_path / "page.html")
    assert ended.code == 0, ended.err
    assert "Search space" in (tmp_path / "page.html").read_text("utf-8")


@pytest.mark.parametrize("command", ["report", "compare", "tune"])
def test_a_target_is_never_ignored(poor, tmp_path, command):
    before = (poor / "report.html").read_bytes()
    where = [poor] if command == "report" else ["--out", tmp_path / "new", *OPTIONS[:2]]
    ended = call(command, *where, "--target", "nonsense")
    assert (ended.code, ended.out) == (2, "")
    assert "target 'nonsense': give a score, such as 0.95" in ended.message
    assert not (tmp_path / "new").exists()
    assert (poor / "report.html").read_bytes() == before


@pytest.mark.thorough
def test_a_target_works_on_run_folders_and_comparisons(poor, tmp_path):
    assert "J to 10.0 %" in call("report", poor, "--target", "0.1").out
    call("report", poor)
    arguments = ("--strategies", "random", "--budget", "0.1 J", "--seeds", "1", *OPTIONS)
    ended = call("compare", *arguments, "--out", tmp_path / "new", "--target", "50%", "--json")
    assert json.loads(ended.out)["analysis"]["target"] == "50%"


def test_an_interrupted_comparison_does_not_say_that_nobody_found_anything(tmp_path):
    """The verdict said "None is ahead ... 0.0 %" above a table with 80 %."""
    watcher = StopsAtOnce()
    result = perjoule.compare(
        out=tmp_path / "run", progress=watcher, strategies=["random", "sobol"], seeds=2,
        budget="2 J", meter="model", workers=1, space=TINY,
    )  # fmt: skip
    assert result.interrupted
    best = result.analysis.groups[0].best_score
    assert best is not None
    for told in (result.analysis.headline, call("report", result.folder).out):
        assert f"{100 * best:.1f} %" in told
        assert "0.0 % validation" not in told
        assert "None" not in told


@pytest.mark.thorough
def test_folders_of_different_experiments_are_not_pooled(poor, tmp_path):
    other = tmp_path / "other"
    arguments = {"strategies": ["random"], "budget": "0.3 J", "seeds": 2, "space": TINY}
    perjoule.compare(out=other, meter="model", workers=1, **arguments)
    data = json.loads(call("report", poor, other, "--json", "-").out)
    assert data["by"] == ["space"]
    assert [group["by"]["space"] for group in data["groups"]] == ["other", "run"]
    assert any("--by none" in note for note in data["notes"])
    pooled = json.loads(call("report", poor, other, "--by", "none", "--json", "-").out)
    assert len(pooled["groups"]) == 1


def test_a_page_is_not_written_under_the_name_of_an_image(poor, tmp_path):
    ended = call("report", poor, "--html", tmp_path / "two.svg")
    assert (ended.code, ended.out) == (2, "")
    assert "name a file that ends in .html" in ended.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("option", "ending"), [("--out", ".parquet"), ("--html", ".html")])
def test_a_name_without_a_format_is_refused_before_anything_is_replayed(option, ending, tmp_path):
    ended = call("replay", tmp_path / "absent.parquet", option, tmp_path / "found")
    assert ended.code == 2
    assert "found: " in ended.message
    assert f"name a file that ends in {ending}" in ended.message


def test_a_search_stopped_before_its_first_epoch_goes_on_as_a_search(tmp_path):
    result = perjoule.tune(
        "random", "1 J", out=tmp_path / "run", progress=StopsAtOnce(), meter="model", space=TINY
    )
    assert result.interrupted
    assert result.command == "tune"


@pytest.mark.thorough
def test_arguments_of_a_sampler_are_not_split(tmp_path):
    name = "optuna.samplers:TPESampler(multivariate=False, n_startup_trials=3)"
    ended = call(
        "compare", "--strategies", f"random, {name}", "--budget", "0.1 J", "--seeds", "1",
        *OPTIONS, "--out", tmp_path / "run", "--json",
    )  # fmt: skip
    assert ended.code == 0, ended.err
    assert list(json.loads(ended.out)["analysis"]["groups"][0]["strategies"]) == ["random", name]


@pytest.mark.parametrize("command", ["doctor", "strategies", "report"])
def test_ctrl_c_is_told_in_every_command(poor, command, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("perjoule.energy.doctor.diagnose", stop)
    monkeypatch.setattr("perjoule.cli.comparing.show", stop)
    monkeypatch.setattr("perjoule.api.report", stop)
    ended = call(command, *([poor] if command == "report" else []))
    assert ended.code == 130
    assert ended.message == f"perjoule: {command} was stopped by Ctrl-C"
