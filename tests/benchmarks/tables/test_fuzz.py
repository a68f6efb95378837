"""Tables as they should not be: a clear error or a right answer, never a wrong number."""

import csv
import io
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from perjoule import load_table
from perjoule.benchmarks.tables.contract import CURVE_COLUMNS
from perjoule.benchmarks.tables.descriptions import valid_parts
from perjoule.benchmarks.tables.table import Table
from perjoule.errors import DataError

many = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
NULLS = {"", "nan", "<na>", "nat", "na", "n/a", "null", "none"}

words = st.text(st.sampled_from("abcé ,;|\t\"'\nN1."), min_size=1, max_size=6).filter(
    lambda word: word == word.strip() and word.lower() not in NULLS
)
names = words.map(lambda word: f"s{word}")  # none that is a number
joules = st.one_of(st.floats(0, 1e12), st.integers(0, 10**6).map(float))
shares = st.one_of(st.none(), st.floats(0, 1))


cells_of = {
    "strategy": names,
    "energy_j": st.one_of(st.none(), joules),
    "score": shares,
    "lr": st.floats(-1e3, 1e3).map(lambda x: x + 0.5),
    "opt": names,
    "deep": st.booleans(),
}
seeded = {**cells_of, "seed": st.integers(-(2**63), 2**63 - 1)}


def rows():
    """Rows of a valid table."""
    return st.one_of(
        st.lists(st.fixed_dictionaries(each), min_size=1, max_size=6) for each in (cells_of, seeded)
    )


def written(made, order, separator=",", quoting=csv.QUOTE_MINIMAL, ends="\n"):
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, order, delimiter=separator, quoting=quoting, lineterminator=ends)
    writer.writeheader()
    writer.writerows(made)
    return file.getvalue().encode()


def cells(trials, name):
    """A column's values as Python has them; None where nothing is."""
    found = name if name in trials else f"p.{name}"
    return [None if pd.isna(value) else value for value in trials[found]]


def agrees(found, cell):
    """Whether a value is what a cell of CSV says, read the plain way."""
    cell = cell.strip()
    if found is None:
        return cell.lower() in NULLS
    if isinstance(found, bool | np.bool_):
        return str(found).lower() == cell.lower()
    return found == (cell if isinstance(found, str) else float(cell))


def is_one_line(error, path):
    """Whether a refusal begins with the table's name and is one line that can be read."""
    message = str(error)
    return message.startswith(str(path)) and "\n" not in message and len(message) < 1500


@pytest.mark.thorough
@given(
    rows(),
    st.randoms(use_true_random=False),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
)
@many
def test_a_valid_table_reads_the_same_from_csv_parquet_and_a_frame(
    write, made, random, separator, quoting, ends
):
    order = list(made[0])
    random.shuffle(order)
    made = [{name: row[name] for name in order} for row in made]
    path = write(written(made, order, separator, quoting, ends))
    frame = pd.DataFrame(made, columns=order)
    frame.to_parquet(path.with_suffix(".parquet"))
    expected = load_table(frame).trials
    for source in (path, path.with_suffix(".parquet")):
        pd.testing.assert_frame_equal(load_table(source).trials, expected)
    for name in order:
        assert cells(expected, name) == [row[name] for row in made]


plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda parts: st.one_of(st.lists(parts), st.dictionaries(st.text(), parts)),
    max_leaves=5,
)
lines = st.one_of(st.none(), words, st.sampled_from(["a\rb", "a\r\nb", "none", "1", "true"]))


@st.composite
def tables(draw):
    """A table whose trials have slices, curves, and runs of which some have no trial."""
    made = draw(rows())
    for row in made:
        row |= {"note": draw(lines), "layers": draw(st.lists(st.integers(), min_size=1))}
        row["started_at"] = draw(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))
    trials = load_table(pd.DataFrame(made), by="opt").trials
    runs = trials.drop_duplicates("run")[["run", "strategy", "seed", "g.opt"]]
    idle = pd.DataFrame({"run": ["idle"], "strategy": "idle", "seed": 2**62 + 1, "g.opt": None})
    runs = pd.concat([runs, idle], ignore_index=True)
    known = {"allotment_j": joules, "unplaced_j": joules, "end": lines, "message": lines}
    for name, values in known.items():
        runs[name] = [draw(st.one_of(st.none(), values)) for _ in range(len(runs))]
    halves = trials.assign(energy_j=trials["energy_j"] / 2)
    curves = trials[["run", "trial", "energy_j", "score"]].assign(epoch=1, loss=-1 / 3)
    some = draw(st.integers(0, len(curves)))
    return load_table(
        Table(
            trials,
            curves=curves[list(CURVE_COLUMNS)][:some] if draw(st.booleans()) else None,
            slices=pd.concat([halves, halves]) if draw(st.booleans()) else None,
            runs=runs if draw(st.booleans()) else None,
            description=draw(st.one_of(st.none(), st.dictionaries(st.text(), plain))),
        ),
        by="opt",
    )


@pytest.mark.thorough
@given(tables(), st.sampled_from(["t", "trials"]), st.sampled_from([".csv", ".parquet"]))
@many
def test_what_is_written_reads_back_the_same(tmp_path_factory, table, stem, ending):
    folder = tmp_path_factory.mktemp("t")
    written = table.write(folder / f"{stem}{ending}")
    assert set(written) == set(folder.iterdir())
    read = load_table(written[0])
    assert read.by == ("opt",)
    for name in ("trials", "curves", "slices", "runs"):
        found, expected = getattr(read, name), getattr(table, name)
        assert (found is None) == (expected is None)
        if expected is not None:
            whole = dict.fromkeys(("trial", "epoch"), "int64") if name == "curves" else {}
            expected = expected.astype(whole).reset_index(drop=True)
            pd.testing.assert_frame_equal(found, expected)
    assert read.description == (valid_parts(table.description) or None)
    assert read.notes == table.notes


@pytest.mark.thorough
@given(rows(), rows())
@many
def test_tables_together_have_all_rows_of_each(one, other):
    first, second = pd.DataFrame(one), pd.DataFrame(other)
    table = load_table([first, Table(second, "other")], by="source")
    assert len(table.trials) == len(first) + len(second)
    apart = load_table(first).trials["run"].nunique() + load_table(second).trials["run"].nunique()
    assert table.trials["run"].nunique() == apart
    joules = [row["energy_j"] for row in one + other]
    assert cells(table.trials, "energy_j") == joules


junk = st.one_of(
    st.sampled_from(["", "nan", "inf", "-1", "97", "97 %", "3 kJ", "1,5", "1e400", "0x1", "1_0"]),
    st.sampled_from(["true", "None", "-0.0", "1e-320", "x", "-", "１", "0.5\n", '"', '5" x']),  # noqa: RUF001
    st.text(max_size=5),
    st.floats().map(repr),
)


@st.composite
def corrupted(draw):
    """A valid file, changed in one place below its header."""
    made = draw(rows())
    order = list(made[0])
    content = written(made, order, ",", csv.QUOTE_MINIMAL).decode()
    head, body = content.split("\n", 1)
    at = draw(st.integers(0, len(body)))
    how = draw(st.sampled_from(["cut", "insert", "remove", "replace", "twice", "cell", "end"]))
    if how == "cell":
        row, name = draw(st.sampled_from(made)), draw(st.sampled_from(order))
        row[name] = draw(junk)
        body = written(made, order).decode().split("\n", 1)[1]
    elif how == "cut":
        return content[: draw(st.integers(0, len(content)))].encode()
    else:
        body = {
            "insert": body[:at] + draw(st.sampled_from(',;"\n\t0 .e-')) + body[at:],
            "remove": body[:at] + body[at + 1 :],
            "replace": body[:at] + draw(st.characters(codec="utf-8")) + body[at + 1 :],
            "twice": body + body.rsplit("\n", 2)[-2] + "\n",
            "end": body + draw(st.sampled_from([",", "\n\n", '"', "x\n", " \n"])),
        }[how]
    return f"{head}\n{body}".encode()


@pytest.mark.thorough
@given(corrupted())
@settings(many, max_examples=150)
def test_a_file_with_one_fault_is_refused_or_read_as_it_literally_says(write, content):
    path = write(content)
    try:
        table = load_table(path, strict=True)
    except DataError as error:
        assert is_one_line(error, path)
        return
    text = io.StringIO(content.decode(), newline="")
    reader = csv.reader(text, strict=True, skipinitialspace=True)  # a quote may follow a space
    header, *body = [row for row in reader if row[1:] or "".join(row).strip()]
    # A separator at the end of a row is no cell more; a number at the end of a file may be cut.
    body = [row[: len(header)] if not any(row[len(header) :]) else row for row in body]
    assert all(len(row) == len(header) for row in body)
    for name, *written_cells in zip(header, *body, strict=True):
        sure = len(body) - (name == header[-1] and not content.endswith(b"\n"))
        found, column = cells(table.trials, name)[:sure], written_cells[:sure]
        unseeded = name == "seed" and {cell.strip().lower() for cell in column} <= NULLS
        expected = [0] * len(column) == found if unseeded else all(map(agrees, found, column))
        assert expected


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)))
@many
def test_anything_is_refused_in_one_line(write, content):
    path = write(content)
    assume(b"strategy" not in content)
    with pytest.raises(DataError) as caught:
        load_table(path)
    assert is_one_line(caught.value, path)


some_names = ["strategy", "energy_j", "score", "seed", "trial", "state", "run", ""]
anything = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3)),
    *(st.binary(max_size=2), st.lists(st.integers(), max_size=2)),
)
columns = st.dictionaries(
    st.one_of(st.sampled_from(some_names), st.text(max_size=3), st.integers()),
    st.lists(anything, min_size=3, max_size=3),
    max_size=6,
)


@given(columns)
@many
def test_any_frame_is_a_table_or_refused_in_one_line(made):
    frame = pd.DataFrame({"strategy": "a", "energy_j": 1.0, "score": 0.5, **made}, index=range(3))
    try:
        table = load_table(frame)
    except DataError as error:
        assert is_one_line(error, "data frame")
        return
    assert len(table.trials) == 3
    assert np.isfinite(table.trials["energy_j"].dropna()).all()
    assert table.trials["score"].dropna().between(0, 1).all()
    pd.testing.assert_frame_equal(load_table(table).trials, table.trials)


def test_many_rows_are_read_whole(tmp_path):
    n = 200_000  # several of the blocks that Arrow reads
    numbers = np.arange(n)
    columns = {"seed": numbers // 2 % 10, "energy_j": numbers / 8, "width": numbers}
    columns |= {"strategy": ["random", "tpe"] * (n // 2), "score": numbers % 1024 / 1024}
    pa.csv.write_csv(pa.table(columns), tmp_path / "t.csv")
    trials = load_table(tmp_path / "t.csv").trials
    assert len(trials) == n
    assert trials["run"].nunique() == 20
    assert (trials["energy_j"] == trials["p.width"] / 8).all()
    assert sorted(trials["p.width"]) == list(range(n))
    assert (trials.groupby("run")["trial"].max() == n // 20 - 1).all()
