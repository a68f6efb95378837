"""One column of anyone's table."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.tables.columns import free, moments, numbers, texts, wholes
from perjoule.benchmarks.tables.loading import read_table
from perjoule.errors import DataError

from ..samples import quick


def column(values, **options):
    return pd.Series(values, name="x", **options)


def refusal(read, values):
    with pytest.raises(DataError) as caught:
        read(column(values), "t.csv")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("t.csv, row ")
    assert len(message) < 300
    return message


@given(st.text())
@quick
def test_a_cell_is_the_number_it_says_or_refused(text):
    try:
        [read] = numbers(column([text]), "t")
    except DataError:
        return
    said = text.strip()
    assert said.isascii()
    assert np.isnan(read) or float(said) == read


@pytest.mark.parametrize(
    ("cell", "number"),
    [("1.5", 1.5), ("+1", 1), (".5", 0.5), ("5.", 5), (" 2e3 ", 2000), ("1E-3", 1e-3), ("-0", 0)],
)
def test_numbers_are_written_as_in_python(cell, number):
    [read] = numbers(column([cell]), "t")
    assert read == number
    assert not np.signbit(read)


@pytest.mark.parametrize("cell", ["", " ", "nan", "NaN", "NA", "N/A", "null", "<NA>", None])
def test_what_says_that_nothing_is_known_is_null(cell):
    for read in (numbers, wholes, moments, free):
        assert read(column([cell, None]), "t").isna().all()


REFUSED = {
    "decimals with a point": ["1,5"],
    "nothing between thousands": ["1,234.5"],
    "write it like 1.5": ["1.234.567", "1 000", "1\u00a0000"],
    "leave out the percent sign": ["97 %", "97%"],
    "leave out the unit": ["3 kJ", "3.6e6J"],
    "no number": ["0x10", "1_000", "1d5", "\uff11\uff12", "٣", "\u22121", "--1", "1e", "nan(1)"],
    "is no number": ["infe5", "true", "?"],
    "infinite": ["inf", "-Infinity", "1e400"],
    "…' is no number": ["x" * 5000],
    r"'a\nb' is no number": ["a\nb"],
}


@pytest.mark.parametrize(
    ("cell", "how"), [(cell, how) for how, cells in REFUSED.items() for cell in cells]
)
def test_what_is_no_number_is_refused_with_its_row_and_how_to_mend_it(cell, how):
    for cells in (["1", cell], ["", cell]):
        message = refusal(numbers, cells)
        assert message.startswith("t.csv, row 2, column x: ")
        assert how in message


@pytest.mark.parametrize(
    ("read", "values", "words"),
    [
        (numbers, [True, None], "no number"),
        (numbers, pd.array([None, True], dtype="boolean"), "no number"),
        (numbers, [1j, 2], "no number"),
        (numbers, [[1], [2]], "no number"),
        (numbers, pd.to_timedelta([1, 2], unit="s"), "no number"),
        (wholes, ["1.5"], "no whole number"),
        (wholes, ["9223372036854775808"], "at most 64 bits"),
        (wholes, ["9007199254740993.0"], "too large to be exact"),
        (wholes, [2.0**60], "too large to be exact"),
        (wholes, [2**70], "at most 64 bits"),
        (wholes, np.array([2**64 - 1], dtype="uint64"), "at most 64 bits"),
    ],
)
def test_what_would_be_another_value_is_refused(read, values, words):
    assert words in refusal(read, values)


def test_whole_numbers_may_be_written_as_floats():
    assert wholes(column(["3.0", "1e3", ""]), "t").tolist() == [3, 1000, pd.NA]
    assert wholes(column(np.array([2**64 - 1], dtype="uint64") // 4), "t")[0] == 2**62 - 1


def test_none_is_null_among_numbers_and_a_word_in_text_where_it_may_be_a_choice():
    assert numbers(column(["None", "1"]), "t").isna().tolist() == [True, False]
    cells = [" cosine ", "none", "NA", "nan", "", None]
    assert texts(column(cells), "t").tolist() == ["cosine", "none", None, None, None, None]


@pytest.mark.parametrize(
    "cell",
    [
        "2026-11-21T10:15:00Z",
        "2026-11-21 10:15",
        "2026-11-21T11:15:00+01:00",
        "1795256100",
        "1795256100.0",
        1795256100,
        datetime.datetime(2026, 11, 21, 10, 15),
        pd.Timestamp("2026-11-21 11:15", tz="Europe/Berlin"),
    ],
)
def test_moments(cell):
    read = moments(column([cell]), "t")
    assert read.dtype == "datetime64[us, UTC]"
    assert read[0] == pd.Timestamp("2026-11-21T10:15:00Z")


@pytest.mark.parametrize("cell", ["2026", "20261121", "21.11.2026", "11/21/2026", "soon", 1.8e12])
def test_what_may_be_another_moment_is_refused(cell):
    assert "is no moment: write 2026-11-21T10:15:00Z" in refusal(moments, [cell])


def test_moments_that_are_missing_stay_so_beside_others():
    read = moments(column(["2026-11-21", "", None]), "t")
    assert read.isna().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("values", "dtype", "read"),
    [
        (["1", "", "2"], "Int64", [1, None, 2]),
        (["1.0", "2"], "Int64", [1, 2]),
        (["0.5", "1", "None"], "Float64", [0.5, 1.0, None]),
        (["9007199254740993", ""], "Int64", [2**53 + 1, None]),
        (["123456789012345678901", "1"], "object", ["123456789012345678901", "1"]),
        (["true", "FALSE", ""], "boolean", [True, False, None]),
        (["sgd", "none", ""], "object", ["sgd", "none", None]),
        (["0.1", "inf", "x"], "object", ["0.1", "inf", "x"]),
        (["", "nan"], "object", [None, None]),
        ([np.nan, np.nan], "object", [None, None]),
        ([1.0, np.nan], "Int64", [1, None]),
        ([1e300, 0.5], "Float64", [1e300, 0.5]),
        ([2.0**53, 0.0], "Float64", [2.0**53, 0.0]),
        ([2**70, 1], "object", [str(2**70), "1"]),
        ([True, None], "boolean", [True, None]),
        ([1, "x"], "object", ["1", "x"]),
        ([np.arange(2), None], "object", ["[0, 1]", None]),
        ([np.arange(5000), None], "object", [str(list(range(5000))), None]),
        ([b"sgd", None], "object", ["sgd", None]),
        ([decimal.Decimal("1.5"), None], "Float64", [1.5, None]),
        (pd.Categorical([1, 2]), "Int64", [1, 2]),
        (pd.array([1, None], dtype="int64[pyarrow]"), "Int64", [1, None]),
        (pd.array([None], dtype="boolean"), "object", [None]),
        (pd.arrays.SparseArray([1.0, 0.5]), "Float64", [1.0, 0.5]),
        (np.array([1, 2.5], dtype="float16"), "Float64", [1.0, 2.5]),
        (pd.to_datetime(["2026-01-02"]), "object", ["2026-01-02"]),
        (pd.to_timedelta([1], unit="s"), "object", ["0 days 00:00:01"]),
    ],
)
def test_a_free_column_is_what_it_says(values, dtype, read):
    found = free(column(values), "t")
    assert found.dtype == dtype
    assert [None if pd.isna(value) else value for value in found] == read


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(DataError, match="column x: cannot be read as text or numbers"):
        free(column([b"\xff", b"a"]), "t")


def test_a_whole_number_stays_one_when_it_is_converted():
    # 0.37164736 * 1e9 is 371647360.00000006 in floats.
    frame = pd.DataFrame({"strategy": ["a"], "energy_j": [1.0], "score": [0.5]})
    table = read_table(frame.assign(gflops=0.37164736), mapping="flops=gflops*1e9")
    assert table.trials["flops"].tolist() == [371_647_360]
