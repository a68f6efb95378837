"""What a page holds of the trials: exactly what the table says, or a sample that says so."""

from base64 import b64decode

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule import load_table
from perjoule.reports import store
from perjoule.reports.store import TrialStore, encode, write_cell
from perjoule.reports.thinning import thin_trials

from .test_page import study

NOTHING = -(2**31)


def unpacked(given):
    return np.frombuffer(b64decode(given["bdata"]), f"<{given['dtype']}")


def decoded(content, n):
    """The values of a column by the layout that the module states; None is null."""
    if "words" in content:
        words = [*content["words"], None]
        codes = unpacked(content["codes"]) if "codes" in content else np.zeros(n, dtype=int)
        return [words[code] for code in codes]
    values, dtype = unpacked(content["values"]), content["values"]["dtype"]
    return [None if (v == NOTHING if dtype == "i4" else np.isnan(v)) else v.item() for v in values]


def round_trip(values, dtype):
    form, _, content = encode(pd.Series(values, dtype=dtype))
    return form, decoded(content, len(values))


def lists(values, most=20):
    return st.lists(st.none() | values, min_size=1, max_size=most)


@settings(max_examples=40)
@given(lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_numbers_come_back_exactly(values):
    for dtype in ("float64", "Float64"):
        form, found = round_trip(values, dtype)
        assert form == "value"
        assert found == values


@settings(max_examples=40)
@given(lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**31), 2**31) | st.integers(0, 9)))
def test_whole_numbers_come_back_to_the_last_digit(values):
    form, found = round_trip(values, "Int64")
    assert form == "whole"
    assert [None if v is None else int(v) for v in found] == values
    assert all(isinstance(v, str) or abs(v) <= 2**53 for v in found if v is not None)


@settings(max_examples=40)
@given(lists(st.booleans()), lists(st.text(max_size=8) | st.just("<script>alert(1)</script>")))
def test_truths_and_texts_come_back(truths, texts):
    assert round_trip(truths, "boolean") == ("value", truths)
    assert round_trip(texts, object) == ("text", texts)


@pytest.mark.parametrize("n", [255, 256, 70_000])
def test_many_different_words_have_codes_enough(n):
    words = [f"w{i}" for i in range(n)] + [None]
    assert round_trip(words, object)[1] == words


@settings(max_examples=40)
@given(lists(st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2200-01-01"))))
def test_moments_are_microseconds(values):
    moments = pd.Series(pd.to_datetime(pd.Series(values, dtype=object), utc=True))
    moments = moments.astype("datetime64[us, UTC]")
    form, _, content = encode(moments)
    found = decoded(content, len(values))
    found = [None if v is None else pd.Timestamp(v, unit="us", tz="UTC") for v in found]
    assert form == "time"
    assert found == [None if pd.isna(v) else v for v in moments]


def test_a_store_holds_every_known_column_of_a_table():
    table = study(("a", "b"), seeds=2, message=["out of memory", None] * 16)
    held = TrialStore.of(table)
    assert [c.name for c in held.columns] == [
        c for c in table.trials if table.trials[c].notna().any()
    ]
    for column in held.columns:
        values = [None if pd.isna(v) else v for v in table.trials[column.name]]
        assert decoded(column.content, len(values)) == values
    assert held.shown[:5] == ["strategy", "seed", "trial", "state", "score"]
    assert held.to_json("a table: <b>")["file"] == "a-table-b"


def test_cells_are_written_as_everywhere():
    metric = study().metric
    assert write_cell(0.947, "score", metric) == "94.7 %"
    assert write_cell(1234.0, "energy", metric) == "1.23 kJ"
    assert write_cell(pd.NA, "energy", metric) == "n/a"
    assert write_cell(None, "text", metric) == "n/a"


def many(n=4000):
    rng = np.random.default_rng(0)
    return load_table(
        pd.DataFrame(
            {
                "data": rng.choice(["one", "two"], n),
                "strategy": rng.choice(["a", "b"], n),
                "seed": np.arange(n) % 4,
                "score": rng.uniform(0, 0.9, n),
                "energy_j": rng.lognormal(0, 1, n),
                "state": np.where(np.arange(n) == 7, "failed", "complete"),
                "message": np.where(np.arange(n) == 7, "CUDA out of memory", None),
            }
        ),
        by="data",
    )


def test_too_many_trials_are_a_sample_with_what_matters(monkeypatch):
    monkeypatch.setattr(store, "MOST_BYTES", 20_000)
    table = many()
    held = TrialStore.of(table, keep=[123])
    trials = held.kept.trials
    assert sum(column.bytes for column in held.columns) <= 20_000
    assert 400 < len(trials) < len(table.trials) / 4
    assert {7, 123} <= set(trials.index)
    assert trials["message"].eq("CUDA out of memory").any()
    for _, part in table.groups:
        own = part.trials[part.trials["state"] == "complete"]
        best = own.loc[own.groupby("run")["score"].idxmax()]
        assert set(best.index) <= set(trials.index)
        for _, rows in own.groupby("strategy"):
            ordered = rows.sort_values("energy_j")
            front = ordered[ordered["score"] > ordered["score"].cummax().shift(fill_value=-1)]
            assert set(front.index) <= set(trials.index)
    assert held.kept.note("On this page") == (
        f"On this page: {len(trials):,} of 4,000 trials, all fronts, the best of each run, one of "
        "each kind of failure and a random sample of the others."
    )
    assert len(held.to_json("t")["rows"]["bdata"]) > len(trials)


def test_a_smaller_sample_is_part_of_a_larger_one():
    trials = many().trials
    small, large = (set(thin_trials(trials, most).trials.index) for most in (200, 900))
    assert small < large
    assert len(large) <= 900
