"""A real comparison in each tracker, read back by the tracker's own reader.

Each holds the comparison that was stopped and resumed as it holds the one that went on at once.
"""

import json
import math
import struct
import threading
from collections import defaultdict
from dataclasses import replace

import pytest

import perjoule
from perjoule.reports.recorders.registry import open_recorders

from .conftest import Notes

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),  # of MLflow
]
NOT_SAME = {"started_at", "duration_s"}
"""What two runs of the same comparison never have in common."""


def table_of(result):
    """The rows of the trial table, by run and trial."""
    rows = result.table.trials.to_dict("records")
    return {(row["run"], row["trial"]): row for row in rows}


def check_trials(result, found):
    """Every trial of the table is found, with its score, its joules and their kind.

    ``found`` has a state, a score, joules and a kind by run and trial.
    """
    table = table_of(result)
    assert sorted(found) == sorted(table)
    for key, row in table.items():
        state, score, energy_j, kind = found[key]
        assert (state, kind) == (row["state"], row["energy_kind"])
        assert energy_j == pytest.approx(row["energy_j"], rel=1e-6)
        assert score == (None if math.isnan(row["score"]) else pytest.approx(row["score"]))
    assert {state for state, *_ in found.values()} >= {"complete", "failed", "pruned"}


def test_facts_are_those_of_the_table_in_the_order_of_their_ends(recorded):
    whole, resumed = recorded
    for each in recorded:
        told = each.notes.ended
        found = {(t.run, t.trial): (t.state, t.score, t.energy_j, t.energy_kind) for t in told}
        check_trials(each.result, found)
        for run in ("random-0", "asha-0"):
            own = [trial for trial in told if trial.run == run]
            assert [trial.number for trial in own] == [*range(len(own))]
            total_j = each.result.table.trials.query("run == @run")["energy_j"].sum()
            assert max(trial.spent_j for trial in own) == pytest.approx(total_j)
            best = each.result.table.trials.query("run == @run")["score"].max()
            assert own[-1].incumbent == best
            improved = [each for trial in own for each in trial.improved]
            assert [each.score for each in improved] == sorted(each.score for each in improved)
            assert improved[-1].score == best and improved[-1].spent_j <= total_j * (1 + 1e-9)
        spent = [present.state.spent_j for present in each.notes.seen]
        assert len({*spent}) > 4 and spent == sorted(spent)  # as it went
        last = each.notes.seen[-1]
        assert last.state.spent_j == pytest.approx(each.result.table.trials["energy_j"].sum())
        assert sum(sum(run.ended.values()) for run in last.runs) == len(told)
        [finished] = each.notes.finished
        assert finished.report.is_file() and not finished.interrupted
    same = [[replace(t, ended_at=None, row={}) for t in each.notes.ended] for each in recorded]
    assert same[0] == same[1]
    assert resumed.notes.begun[0].identity != whole.notes.begun[0].identity


def mlflow_runs(recorded):
    """What MLflow has of a comparison, by part; without times."""
    client = pytest.importorskip("mlflow.tracking").MlflowClient(
        f"sqlite:///{recorded.result.folder}/mlflow.db"
    )
    experiment = client.get_experiment_by_name("perjoule")
    found, parents = {}, {}
    for run in client.search_runs([experiment.experiment_id]):
        part = run.data.tags["perjoule.part"]
        assert part not in found
        metrics = {
            name: sorted(
                (m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)
            )
            for name in run.data.metrics
            if name not in NOT_SAME
        }
        found[part] = run.data.params, run.data.tags, metrics, run.info.status
        parents[part] = run.info.run_id, run.data.tags.get("mlflow.parentRunId")
    assert parents["random-0"][1] == parents[""][0]
    assert parents["random-0/1"][1] == parents["random-0"][0]
    artefacts = client.list_artifacts(parents[""][0])
    assert sorted(each.path for each in artefacts) == ["report.html", "summary.json"]
    return found


def test_mlflow_has_a_run_for_each_trial_in_one_for_its_run(recorded):
    for each in recorded:
        runs = mlflow_runs(each)
        found = {}
        for part, (params, tags, metrics, status) in runs.items():
            run, _, trial = part.partition("/")
            if trial:
                score = metrics["score"][0][1] if "score" in metrics else None
                told = tags["state"], score, metrics["energy_j"][0][1], tags["energy_kind"]
                found[run, int(trial)] = told
                assert status == ("FAILED" if tags["state"] == "failed" else "FINISHED")
                assert {"width", "depth", "learning_rate"} <= set(params)
        check_trials(each.result, found)
        told = [trial for trial in each.notes.ended if trial.run == "asha-0"]
        steps = runs["asha-0"][2]["spent_j"]
        assert steps == [(trial.number, trial.spent_j) for trial in told]
        assert ("epoch_score_by_mJ" in runs["random-0/1"][2]) and runs[""][3] == "FINISHED"
        assert each.result.analysis.headline in runs[""][1]["mlflow.note.content"]
        assert runs[""][1]["energy_kinds"] == "cpu: modelled"
    whole, resumed = (
        {part: (params, metrics, status) for part, (params, _, metrics, status) in runs.items()}
        for runs in map(mlflow_runs, recorded)
    )
    assert whole == resumed


def boards(folder):
    """All scalars below a folder, by the folder of the run or trial; and hyperparameters."""
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = {}
    for path in sorted(folder.rglob("events.out.tfevents.*")):
        assert path.parent not in found  # one file each, or points would be there twice
        events = reader.EventAccumulator(str(path.parent))
        events.Reload()
        scalars = {
            tag: [(each.step, each.value) for each in events.Scalars(tag)]
            for tag in events.Tags()["scalars"]
            if tag not in NOT_SAME
        }
        hparams = (
            events.SummaryMetadata("_hparams_/session_start_info")
            if ("_hparams_/session_start_info" in events.summary_metadata)
            else None
        )
        found[str(path.parent.relative_to(folder))] = scalars, hparams
    return found


def test_tensorboard_has_a_folder_for_each_trial_in_one_for_its_run(recorded):
    plugin = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")
    both = []
    for each in recorded:
        [folder] = (each.home / "boards").iterdir()
        both.append(found := boards(folder))
        trials = {}
        for name, (scalars, hparams) in found.items():
            run, _, trial = name.partition("/")
            if not trial:
                continue
            data = plugin.HParamsPluginData.FromString(hparams.plugin_data.content)
            told = data.session_start_info.hparams
            score = scalars["score"][0][1] if "score" in scalars else None
            state, kind = told["state"].string_value, told["energy_kind"].string_value
            trials[run, int(trial)] = state, score, scalars["energy_j"][0][1], kind
            assert told["width"].number_value in (8, 16)
        check_trials(each.result, trials)
        steps = found["asha-0"][0]["incumbent_by_mJ"]
        assert [step for step, _ in steps] == sorted(step for step, _ in steps)
    assert {name: each[0] for name, each in both[0].items()} == {
        name: each[0] for name, each in both[1].items()
    }


def from_rows(rows_of_runs):
    """Trials from rows as Weights & Biases and trackio have them."""
    return {
        (run, row["trial"]): (row["state"], row.get("score"), row["energy_j"], row["energy_kind"])
        for run, rows in rows_of_runs.items()
        for row in rows
        if "state" in row
    }


def same_rows(rows_of_runs, *left_out):
    return {
        run: [{n: v for n, v in row.items() if n not in NOT_SAME | {*left_out}} for row in rows]
        for run, rows in rows_of_runs.items()
    }


def test_trackio_has_a_row_for_each_epoch_and_trial(recorded):
    storage = pytest.importorskip("trackio.sqlite_storage").SQLiteStorage
    both = []
    for each in recorded:
        project, rows = each.home.name, {}
        for name in storage.get_runs(project):
            part = name.split("/")[1].split(" ")[0]
            logs = storage.get_logs(project, name)
            assert [row["step"] for row in logs] == [*range(len(logs))]
            rows[part] = logs
        [finding] = rows.pop("finding")
        assert each.result.analysis.headline in str(finding["finding"])
        check_trials(each.result, from_rows(rows))
        configs = storage.get_all_run_configs(project).values()
        assert {config["energy_kinds"] for config in configs} == {"cpu: modelled"}
        both.append(same_rows(rows, "timestamp"))
    assert both[0] == both[1]


def test_trackio_writes_nothing_later_while_networks_are_trained(recorded):
    storage = pytest.importorskip("trackio.sqlite_storage").SQLiteStorage
    notes = recorded[0].notes
    [recorder] = open_recorders("trackio:at-once")
    recorder.begin(notes.begun[0])
    before = {*threading.enumerate()}
    recorder.trials(notes.ended)
    assert {*threading.enumerate()} <= before
    logs = [
        row for name in storage.get_runs("at-once") for row in storage.get_logs("at-once", name)
    ]
    assert sum("state" in row for row in logs) == len(notes.ended)


def wandb_records(path):
    """The records of an offline run, in a log of blocks of 32 KiB; one may be in several parts."""
    proto = pytest.importorskip("wandb.proto.wandb_internal_pb2")
    data, at, parts = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        left = 32_768 - at % 32_768
        if left < 7:
            at += left
            continue
        _, size, kind = struct.unpack("<IHB", data[at : at + 7])
        parts += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):
            yield proto.Record.FromString(parts)
            parts = b""


def test_wandb_has_a_row_for_each_epoch_and_trial(recorded):
    pytest.importorskip("wandb")
    both = []
    for each in recorded:
        rows, summary = defaultdict(list), {}
        for path in (each.result.folder / "wandb").glob("offline-run-*/run-*.wandb"):
            identity, _, run = path.stem.removeprefix("run-").partition("-")
            assert identity == each.notes.begun[0].identity and run not in rows
            for record in wandb_records(path):
                if record.HasField("history"):
                    items = record.history.item
                    row = {
                        item.key or "/".join(item.nested_key): json.loads(item.value_json)
                        for item in items
                    }
                    rows[run].append(row)
                for item in record.summary.update if record.HasField("summary") else ():
                    summary[run, item.key or "/".join(item.nested_key)] = item.value_json
                if record.HasField("run"):
                    assert record.run.run_group == "run"
        check_trials(each.result, from_rows(rows))
        assert json.loads(summary["finding", "headline"]) == each.result.analysis.headline
        copies = (each.result.folder / "wandb").glob("*-finding/files/report.html")
        assert [copy.read_bytes() for copy in copies] == [each.result.report.read_bytes()]
        both.append(same_rows(rows, "_timestamp", "_runtime"))
    assert both[0] == both[1]


def samples(path):
    """The samples of a file for Prometheus, by name and labels; without the name of the folder."""
    parser = pytest.importorskip("prometheus_client.parser")
    found = {}
    for family in parser.text_string_to_metric_families(path.read_text("utf-8")):
        assert family.documentation
        for sample in family.samples:
            key = sample.name, *sorted(sample.labels.items())
            assert key not in found and sample.timestamp is None
            found[key] = sample.value
    return found


def test_prometheus_can_read_how_it_stands(recorded):
    both = []
    for each in recorded:
        found = samples(each.home / "perjoule.prom")
        trials = each.result.table.trials
        whole = ("comparison", "run")
        for run in ("random-0", "asha-0"):
            labels = whole, ("run", run), ("strategy", run[:-2])
            own = trials.query("run == @run")
            energy_j = found["perjoule_energy_joules", labels[0], ("kind", "modelled"), *labels[1:]]
            assert energy_j == pytest.approx(own["energy_j"].sum())
            for state, n in own["state"].value_counts().items():
                told = found["perjoule_trials_total", *labels[:2], ("state", state), labels[2]]
                assert told == n
        assert found["perjoule_budget_joules", whole] == 0.016
        assert found["perjoule_running", whole] == 0
        del found["perjoule_last_update_timestamp_seconds", whole]
        both.append(found)
    assert both[0] == both[1]


def test_what_is_unknown_is_not_zero_and_names_are_only_data(recorded, tmp_path):
    notes = recorded[0].notes
    odd = 'a\\b"c\nd'
    present = notes.seen[-1]
    run = replace(present.runs[0], spent_j={"measured": None, "modelled": 1.5}, incumbent=None)
    [recorder] = open_recorders(f"prometheus:{tmp_path}/odd.prom")
    recorder.begin(replace(notes.begun[0], name=odd, budget_j=None))
    recorder.standing(replace(present, runs=(run,), workers=None))
    found = samples(tmp_path / "odd.prom")
    names = {name for name, *_ in found}
    assert not names & {"perjoule_best_score", "perjoule_budget_joules", "perjoule_workers"}
    energies = {
        dict(labels)["kind"]: value
        for (name, *labels), value in found.items()
        if name == "perjoule_energy_joules"
    }
    assert math.isnan(energies["measured"]) and energies["modelled"] == 1.5
    assert all(("comparison", odd) in labels for _, *labels in found)


def test_what_was_recorded_live_is_not_there_twice_after_the_fact(recorded, tmp_path):
    pytest.importorskip("mlflow")
    pytest.importorskip("tensorboard")
    [whole, _] = recorded
    before = mlflow_runs(whole)
    [old] = (whole.home / "boards").iterdir()
    notes = Notes()
    record = [notes, "mlflow", f"tensorboard:{tmp_path}"]
    again = perjoule.report(whole.result.folder, record=record)
    assert again.unrecorded == () and len(again.recorded) == 2
    assert mlflow_runs(whole) == before
    [new] = tmp_path.iterdir()
    assert boards(new).keys() == boards(old).keys()
    assert {n: each[0] for n, each in boards(new).items()} == {
        n: each[0] for n, each in boards(old).items()
    }
    assert notes.ended == whole.notes.ended
