"""Recorders that cannot be opened, fail or hang; and which doors they come through."""

import socket
import sys
import threading
import warnings

import pytest

import perjoule
from perjoule.reports.progress.comparing import ComparisonProgress

from ...command import call
from .conftest import Notes

OPTIONS = {
    "strategies": ["random", "asha"],
    "budget": "unlimited",
    "trials": 3,
    "meter": "cpu_time",
    "workers": 1,
    "seeds": 1,
    "space": {"slope": {"low": 0.1, "high": 1.0}, "epochs": 2},
}


def train(trial):
    for epoch in trial.epochs():
        trial.report(accuracy=0.1 * epoch * trial.params["slope"])


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr("perjoule.benchmarks.comparison.recording.EVERY_S", 0.0)
    monkeypatch.setattr("perjoule.benchmarks.comparison.recording.SHARE", 1e9)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return perjoule.compare(
        out=tmp_path_factory.mktemp("recording") / "run", objective=train, **OPTIONS
    )


class Broken(Notes):
    """Fails at its second trial."""

    name = "broken"

    def trials(self, ended):
        super().trials(ended)
        if len(self.ended) > 1:
            raise ValueError("no more room")


class Asleep(Notes):
    """Never comes back from its first trial."""

    def __init__(self):
        super().__init__()
        self.wakes = threading.Event()

    def trials(self, ended):
        super().trials(ended)
        self.wakes.wait(60)


def test_one_that_fails_is_told_once_and_the_comparison_is_whole(tmp_path, capsys):
    broken, works = Broken(), Notes()
    with ComparisonProgress() as progress:
        result = perjoule.compare(
            out=tmp_path / "run",
            objective=train,
            record=[broken, works],
            progress=progress,
            **OPTIONS,
        )
    assert not result.interrupted and len(result.trials) == len(works.ended) == 6
    assert broken.finished == [] and len(works.finished) == 1
    [line] = result.unrecorded
    assert "broken failed (ValueError: no more room)" in line and "perjoule report" in line
    assert " ".join(capsys.readouterr().err.split()).count("no more room") == 1


def test_without_progress_it_is_a_warning(run):
    notes = Notes()
    with pytest.warns(UserWarning, match="no more room"):
        perjoule.report(run.folder, record=[Broken(), notes])
    [begun] = notes.begun
    assert begun.metric.name == "accuracy" and begun.budget_j is None
    assert begun.kinds == {"cpu": "modelled"} and begun.folder == run.folder
    assert {trial.energy_kind for trial in notes.ended} == {"modelled"}
    assert notes.seen[-1].state.over == 2


def test_one_that_hangs_holds_nothing_up(tmp_path, monkeypatch):
    monkeypatch.setattr("perjoule.benchmarks.comparison.recording.BEGIN_S", 0.05)
    monkeypatch.setattr("perjoule.benchmarks.comparison.recording.PATIENCE_S", 0.05)
    monkeypatch.setattr("perjoule.benchmarks.comparison.recording.FINISH_S", 1.0)
    asleep, works = Asleep(), Notes()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        result = perjoule.compare(
            out=tmp_path / "run", objective=train, record=[asleep, works], **OPTIONS
        )
    asleep.wakes.set()
    assert len(works.ended) == 6 and len(works.finished) == 1 and asleep.finished == []
    [line] = result.unrecorded
    assert "Asleep failed (it did not end within 1 s)" in line
    assert [str(each.message) for each in told].count(line) == 1


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ("mlflwo", "unknown recorder 'mlflwo': did you mean 'mlflow'?"),
        ("prometheus", "record prometheus: needs a place, as in prometheus:FILE.prom"),
        ("prometheus:/nowhere/at/all.prom", "cannot write /nowhere/at/all.prom"),
        ("prometheus:some.txt", "must end in .prom"),
        ("optuna:here", "record optuna: takes no place"),
        ("tensorboard:/proc/nowhere", "cannot write to /proc/nowhere"),
    ],
)
def test_what_cannot_be_opened_is_one_line_before_anything_is_spent(record, told, tmp_path):
    if record.startswith("tensorboard"):
        pytest.importorskip("tensorboard")
    ended = call("compare", "--out", tmp_path / "run", "--record", record)
    assert ended.code == 2 and told in ended.message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("record", "module", "name", "extra"),
    [
        ("mlflow", "mlflow", "MLflow", "mlflow"),
        ("wandb", "wandb", "Weights & Biases", "wandb"),
        ("tensorboard", "tensorboard", "TensorBoard", "tensorboard"),
        ("trackio", "trackio", "trackio", "trackio"),
    ],
)
def test_a_missing_library_is_named_with_its_extra(run, monkeypatch, record, module, name, extra):
    for known in [each for each in sys.modules if each.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.setitem(sys.modules, module, None)
    ended = call("report", run.folder, "--record", record)
    assert ended.code == 2
    assert ended.message == (f"perjoule: {name} is not installed: pip install 'perjoule[{extra}]'")


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_a_server_that_does_not_answer_is_one_line(tmp_path, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setitem(
        sys.modules["perjoule.reports.recorders.mlflow"]._BOUNDS,
        "MLFLOW_HTTP_REQUEST_TIMEOUT",
        "1",
    )
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"http://127.0.0.1:{silent.getsockname()[1]}"
        ended = call("tune", "--out", tmp_path / "run", "--record", f"mlflow:{where}")
    assert ended.code == 2 and f"record mlflow: {where} does not answer" in ended.message
    assert not (tmp_path / "run").exists()


@pytest.fixture
def nobody(run, monkeypatch):
    """Weights & Biases as it is where nobody has logged in, and no server answers."""
    wandb = pytest.importorskip("wandb")
    wandb.teardown()  # it keeps what it read of the environment
    for name in ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("NETRC", str(run.folder / "none"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    yield
    wandb.teardown()


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("key", "told"),
    [("", "no key is known: set WANDB_API_KEY"), ("a" * 40, "or set WANDB_MODE=offline")],
)
def test_weights_and_biases_asks_for_nothing(nobody, run, monkeypatch, key, told):
    if key:
        monkeypatch.setenv("WANDB_API_KEY", key)
    ended = call("report", run.folder, "--record", "wandb")
    assert ended.code == 2 and told in ended.err.splitlines()[-1]


def test_what_is_no_recorder_is_refused(tmp_path):
    with pytest.raises(
        perjoule.ConfigurationError, match=r"int is no recorder.*perjoule\.Recorder"
    ):
        perjoule.compare(out=tmp_path / "run", record=[3])


def test_the_command_line_records_and_says_where_to_look(run, tmp_path):
    ended = call("report", run.folder, "--record", f"prometheus:{tmp_path}/a.prom", "--dashboard")
    assert ended.code == 0 and ended.err == ""
    assert f"Prometheus: {tmp_path}/a.prom" in ended.out and "optuna-dashboard" in ended.out
    assert 'perjoule_trials_total{comparison="run",strategy="random"' in (
        tmp_path / "a.prom"
    ).read_text("utf-8")


def test_names_of_a_folder_reach_no_other_place(run, tmp_path):
    pytest.importorskip("tensorboard")
    text = (run.folder / "experiment.yaml").read_text("utf-8")
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    for each in run.folder.iterdir():
        (theirs / each.name).write_bytes(each.read_bytes())
    (theirs / "experiment.yaml").write_text(
        text.replace("name: run\n", "name: ../../../outside\n", 1), "utf-8"
    )
    (tmp_path / "boards").mkdir()
    perjoule.report(theirs, record=f"tensorboard:{tmp_path}/boards", trust=True)
    assert {each.name for each in tmp_path.iterdir()} == {"theirs", "boards"}
    assert len([*(tmp_path / "boards").iterdir()]) == 1
