"""Recorders that cannot be opened, fail or hang; and which doors they come through."""

import shutil
import socket
import sys
import threading
import time
import warnings

import pytest

import perjoule
from perjoule.benchmarks.comparison.calling import Caller
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


class Leaves(Notes):
    """Raises what is no error of a program."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def trials(self, ended):
        raise self.error


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


@pytest.mark.parametrize("error", [KeyboardInterrupt("gone"), SystemExit("gone")])
def test_one_that_would_end_the_program_only_fails(run, error):
    with pytest.warns(UserWarning, match=f"Leaves failed .{type(error).__name__}: gone"):
        perjoule.report(run.folder, record=Leaves(error))


def test_a_call_that_has_come_back_is_waited_for_no_longer():
    caller = Caller(Notes())
    caller.call(lambda: None)
    assert caller.comes_back(60)
    began_s = time.monotonic()
    assert caller.comes_back(60) and time.monotonic() - began_s < 10
    caller.end("")


def test_without_progress_it_is_a_warning(run):
    notes = Notes()
    with pytest.warns(UserWarning, match="no more room"):
        perjoule.report(run.folder, record=[Broken(), notes])
    [begun] = notes.begun
    assert begun.metric.name == "accuracy" and begun.budget_j is None
    assert begun.kinds == {"cpu": "modelled"} and begun.folder == run.folder
    assert begun.created.microsecond  # its identity is another one than that of its twin
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
        ("mlflow:http://me:hidden@127.0.0.1:9", "http://***@127.0.0.1:9 does not answer"),
    ],
)
def test_what_cannot_be_opened_is_one_line_before_anything_is_spent(record, told, tmp_path):
    if record.startswith(("tensorboard", "mlflow:")):
        pytest.importorskip(record.partition(":")[0])
    ended = call("compare", "--out", tmp_path / "run", "--record", record)
    assert ended.code == 2 and told in ended.message and "hidden" not in ended.err
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


def copied(run, theirs):
    """A run folder with what cannot be derived anew."""
    theirs.mkdir()
    for name in ("experiment.yaml", "ledger.jsonl", "ledger.seal"):
        shutil.copyfile(run.folder / name, theirs / name)
    return theirs


@pytest.mark.parametrize(
    ("record", "link"),
    [
        ("tensorboard", "tensorboard"),
        ("tensorboard", "tensorboard/random-0"),
        ("mlflow", "mlflow"),
        ("mlflow", "mlflow.db"),
        ("wandb", "wandb"),
    ],
)
def test_links_in_a_folder_lead_nowhere(run, tmp_path, monkeypatch, record, link):
    pytest.importorskip(record)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.delenv("WANDB_DIR", raising=False)
    theirs, mine = copied(run, tmp_path / "theirs"), tmp_path / "mine"
    mine.mkdir()
    (mine / "events.out.tfevents.1").touch()
    (theirs / link).parent.mkdir(exist_ok=True)
    (theirs / link).symlink_to(mine, target_is_directory=True)
    with pytest.warns(UserWarning, match=f"{link} is a link to another place"):
        perjoule.report(theirs, record=record)
    assert [each.name for each in mine.iterdir()] == ["events.out.tfevents.1"]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A database of MLflow's, which keeps its files elsewhere."""
    path = tmp_path_factory.mktemp("database") / "theirs.db"
    client = pytest.importorskip("mlflow.tracking").MlflowClient(f"sqlite:///{path}")
    client.create_experiment("perjoule", artifact_location=(path.parent / "files").as_uri())
    return path


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_the_database_of_a_folder_sends_nothing_elsewhere(database, run, tmp_path):
    theirs = copied(run, tmp_path / "theirs")
    shutil.copyfile(database, theirs / "mlflow.db")
    with pytest.warns(UserWarning, match="moved or is somebody else's: remove it"):
        perjoule.report(theirs, record="mlflow")
    assert not (database.parent / "files").exists()
    odd = copied(run, tmp_path / "a?b")
    with pytest.warns(UserWarning, match="would be read as another file"):
        perjoule.report(odd, record="mlflow")
    assert not (tmp_path / "a").exists()


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning")
def test_nothing_is_printed_between_results_or_left_here(
    database, run, tmp_path, monkeypatch, capsys
):
    service = pytest.importorskip("mlflow.tracking._tracking_service.client")
    monkeypatch.setattr(service, "RestStore", object)  # each store is one, as a server's is
    monkeypatch.setattr(service, "get_workspace_url", lambda: "http://server")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")
    monkeypatch.chdir(tmp_path)
    result = perjoule.report(run.folder, record=f"mlflow:sqlite:///{database}")
    assert result.unrecorded == () and capsys.readouterr().out == ""
    assert not any(tmp_path.iterdir())  # files lie beside the database
    assert any(database.with_suffix("").rglob("report.html"))


def test_a_recorder_records_once_and_to_one_place(run):
    ended = call("report", run.folder, "--record", "wandb:a", "--record", "wandb:b")
    assert ended.code == 2 and "record wandb: it records to one place at a time" in ended.message
    notes = Notes()
    result = perjoule.report(run.folder, record=[notes, "optuna", notes, "optuna"], dashboard=True)
    assert len(notes.begun) == 1 and len(result.recorded) == 1
