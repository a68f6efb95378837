"""What a table's score is: said by its description or by whoever reads it, kept, and held to."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from perjoule.benchmarks.comparison.loading import load_table
from perjoule.benchmarks.tables.table import Table
from perjoule.errors import DataError, PerjouleError
from perjoule.models.metric import ACCURACY, METRICS, Metric

from .made import frame

RMSE, KAPPA = METRICS["rmse"], {"name": "kappa", "low": -1, "high": 1}


def refusal(source, **options):
    with pytest.raises(PerjouleError) as caught:
        load_table(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(params=["csv", "parquet"])
def old_file(request, tmp_path):
    """A table of version 1, with curves."""
    path = tmp_path / f"old.{request.param}"
    rows = frame(run="a-0", trial=[0, 1]).rename(columns={"score": "accuracy"})
    rows = rows.assign(test_accuracy=[0.4, None])
    points = pd.DataFrame({"run": ["a-0"], "trial": [0], "epoch": [1], "energy_j": [0.5]})
    points = points.assign(accuracy=[0.3], loss=[1.0])
    for each, name in ((rows, path), (points, tmp_path / f"old.curves.{request.param}")):
        if request.param == "csv":
            each.to_csv(name, index=False)
        else:
            said = {b"perjoule_table": b"1"}
            pq.write_table(pa.Table.from_pandas(each).replace_schema_metadata(said), name)
    return path


def test_a_table_of_version_1_is_of_accuracy(old_file):
    table = load_table(old_file)
    assert table.metric == ACCURACY
    assert list(table.trials["score"]) == [0.5, 0.5]
    assert list(table.trials["test_score"].dropna()) == [0.4]
    assert list(table.curves["score"]) == [0.3]


def test_names_of_both_versions_may_be_mapped(old_file):
    for mapping in ("accuracy=test_accuracy", "score=test_score", "accuracy=test_score"):
        assert load_table(old_file, mapping=mapping).trials["score"][0] == 0.4
    new = frame(val=[0.1, 0.2])
    for mapping in ("accuracy=val", "score=val"):
        assert list(load_table(new, mapping=mapping).trials["score"]) == [0.1, 0.2]


def test_a_message_names_a_column_as_the_file_does():
    old = frame().rename(columns={"score": "accuracy"})
    assert "row 2, column accuracy: 40.0 is above 1" in refusal(old.assign(accuracy=[0.5, 40]))
    both = frame(accuracy=[0.1, 0.2])
    assert "column accuracy, but there is score, which is the same" in refusal(both)
    assert load_table(both, mapping="p.accuracy=accuracy").trials["p.accuracy"][1] == 0.2
    assert "accuracy, but the metric is rmse: leave one out, or" in refusal(old, metric="rmse")
    assert load_table(old, mapping="score=accuracy", metric="f1").metric == METRICS["f1"]


@pytest.mark.parametrize(
    ("metric", "scores", "words"),
    [
        ("rmse", [0.0, 1e6], ""),
        ("rmse", [1.0, -0.5], "row 2, column score: -0.5 is below zero: no rmse can be"),
        (KAPPA, [-1.0, 1.0], ""),
        (KAPPA, [0.0, -1.5], "-1.5 is below -1, the least that kappa can be"),
        (KAPPA, [0.0, 40.0], "40.0 is above 1, the most that kappa can be"),
        ("f1", [0.5, 93.0], "93.0 is above 1: is it in percent? Then --map score=score/100"),
        ("f1", [0.5, 930.0], "930.0 is above 1, the most that f1 can be"),
        ({"name": "reward"}, [-1e9, 1e9], ""),
        ("r2", [-5.0, 1.0], ""),
        ({"name": "x", "direction": "up"}, [0, 0], "direction = 'up' must be maximize or minimize"),
        ("rsme", [0, 0], "rmse"),
    ],
)
def test_scores_are_held_to_the_bounds_of_their_metric(metric, scores, words):
    table = frame(score=scores)
    if words:
        assert words in refusal(table, metric=metric)
    else:
        read = load_table(table, metric=metric)
        assert list(read.trials["score"]) == scores
        assert read.metric == Metric.parse(metric)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_metric_is_kept_when_a_table_is_written(tmp_path, ending):
    path = tmp_path / f"t.{ending}"
    table = load_table(frame(score=[3.0, 4.0]), metric="rmse")
    table.write(path)
    again = load_table(path)
    assert again.metric == RMSE
    assert list(again.trials["score"]) == [3.0, 4.0]
    assert load_table(path, metric="rmse").metric == RMSE
    words = "says that its score is rmse, not the mae that is given"
    assert words in refusal(path, metric="mae")


def test_parts_of_a_table_are_held_to_the_metric_too(tmp_path):
    path = tmp_path / "t.csv"
    rows = frame(run="a-0", trial=[0, 1], score=[3.0, 4.0])
    rows.to_csv(path, index=False)
    rows.to_csv(tmp_path / "t.slices.csv", index=False)
    points = pd.DataFrame({"run": ["a-0"], "trial": [0], "epoch": [1], "energy_j": [0.5]})
    points.assign(score=5.0).to_csv(tmp_path / "t.curves.csv", index=False)
    table = load_table(path, metric="rmse")
    assert list(table.curves["score"]) == [5.0]
    assert list(table.slices["score"]) == [3.0, 4.0]
    assert "column score: '5.0' is above 1" in refusal(path)


def test_tables_of_different_metrics_are_not_pooled(tmp_path):
    one = load_table(frame(score=[3.0, 4.0]), metric="rmse")
    with pytest.raises(DataError, match=r"rmse \(minimize, from 0 to -\), .* different metrics"):
        load_table([frame(), one])
    narrow = Table(frame(), "n", description={"metric": {"name": "accuracy", "low": 0.1}})
    assert "accuracy (maximize, from 0.1 to 1)" in refusal([frame(), narrow])


def test_tables_of_one_metric_are_pooled_and_keep_it():
    tables = [load_table(frame(score=[3.0, 4.0]), metric="rmse") for _ in range(2)]
    described = Table(
        tables[0].trials, "b", description={"metric": RMSE.to_dict(), "experiment": {"seeds": 2}}
    )
    together = load_table([tables[0], described])
    assert together.metric == RMSE
    assert together.description == {"metric": RMSE.to_dict()}


@pytest.mark.parametrize("stated", ["rsme", 3, {"name": ""}, {"name": "x", "low": 1, "high": 0}])
def test_a_description_whose_metric_is_none_is_refused(stated):
    assert refusal(Table(frame(), "t", description={"metric": stated})).startswith("t: ")
