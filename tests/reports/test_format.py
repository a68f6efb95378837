import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.benchmarks.analysis.facts import Spread
from perjoule.reports.format import (
    format_duration,
    format_energy,
    format_interval,
    format_kinds,
    format_per_joule,
    format_percent,
    format_value,
)

UNKNOWN = [None, math.nan, math.inf, pd.NA, "soon"]
SCALES = {"GJ": 1e9, "MJ": 1e6, "kJ": 1e3, "J": 1.0, "mJ": 1e-3, "µJ": 1e-6}


@pytest.mark.parametrize("show", [format_energy, format_percent, format_duration])
@pytest.mark.parametrize("value", UNKNOWN)
def test_an_unavailable_value_is_never_a_number(show, value):
    assert show(value) == "n/a"


@pytest.mark.parametrize(
    ("joules", "text"),
    [
        (1234.0, "1.23 kJ"),
        (0.431, "431 mJ"),
        (0.0, "0 J"),
        (600, "600 J"),
        (999.9, "1.00 kJ"),
        (-12.34, "-12.3 J"),
        (0.001, "1.00 mJ"),
        (2e-5, "20.0 µJ"),
        (3.21e13, "32100 GJ"),
    ],
)
def test_energy_has_three_digits_and_a_prefix(joules, text):
    assert format_energy(joules) == text


@given(st.floats(1e-6, 1e12) | st.floats(-1e12, -1e-6))
def test_energy_reads_back_within_its_rounding(joules):
    number, unit = format_energy(joules).split(" ")
    assert float(number) * SCALES[unit] == pytest.approx(joules, rel=0.00501)


@given(st.floats(1e-6, 9.9e11))
def test_energy_between_a_microjoule_and_a_terajoule_shows_three_digits(joules):
    number = format_energy(joules).split(" ")[0]
    assert len(number.replace(".", "")) == 3


@given(st.floats(0.0, 1.0, exclude_min=True))
def test_a_positive_share_never_reads_as_zero(share):
    assert format_percent(share).strip("% ") not in ("0.0", "0")


@pytest.mark.parametrize(
    ("per_joule", "text"),
    [
        (2.56, "2.56 per J"),
        (0.0273, "27.3 per kJ"),
        (3.54e-6, "3.54 per MJ"),
        (3.54e-9, "3.54 per GJ"),
        (0.0, "0 per GJ"),
        (None, "n/a"),
    ],
)
def test_an_amount_per_joule_has_digits_to_read(per_joule, text):
    assert format_per_joule(per_joule) == text


def test_percent():
    assert format_percent(0.9781) == "97.8 %"
    assert format_percent(0.0) == "0.0 %"
    assert format_percent(0.0004) == "<0.1 %"
    assert format_percent(0.43, 0) == "43 %"


def test_interval():
    assert format_interval(Spread(0.978, 0.969, 0.981, 5), format_percent) == "96.9 to 98.1 %"
    assert format_interval(Spread(1.0, 0.5, 1500.0, 5), format_energy) == "500 mJ to 1.50 kJ"
    assert format_interval(Spread(0.978, None, None, 1), format_percent) == "one run"
    assert format_interval(Spread(0.978, None, None, 5), format_percent) == "no interval"
    assert format_interval(None, format_percent) == "n/a"


def test_kinds_are_named_once_and_a_lower_bound_is_none():
    assert format_kinds(["modelled", "measured+modelled", None]) == "measured and modelled"
    assert format_kinds(["lower bound", ""]) == "of unknown kind"


def test_duration():
    assert [format_duration(s) for s in (0, 0.1, 38.2, 600, 9000)] == [
        "0 s",
        "100 ms",
        "38.2 s",
        "10.0 min",
        "2.5 h",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.2345e-5, "1.23e-05"),
        (1024.0, "1024"),
        (128, "128"),
        (True, "yes"),
        ("adam", "adam"),
        (["a", 1.0], "a, 1"),
        ({"cpu": 4.0}, "cpu 4"),
        ([], "none"),
        (None, "n/a"),
        (math.nan, "n/a"),
    ],
)
def test_values(value, text):
    assert format_value(value) == text
