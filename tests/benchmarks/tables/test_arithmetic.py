"""``--map`` adds columns up: the arithmetic, and the total that components make."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perjoule import load_table
from perjoule.errors import DataError

FRAME = pd.DataFrame(
    {
        "strategy": ["a", "b", "b"],
        "accuracy": [0.5, 0.6, 0.7],
        "gpu_wh": [1.0, 2.0, 3.0],
        "cpu_wh": [0.5, None, 1.5],
        "cpu, (kWh)": [0.001, 0.002, 0.003],
        "a-b": [7.0, 8.0, 9.0],
        "err": [0.1, 0.2, 0.3],
    }
)


def joules(mapping: str, frame: pd.DataFrame = FRAME) -> list[float | None]:
    table = load_table(frame, mapping=mapping)
    return [None if np.isnan(j) else j for j in table.trials["energy_j"]]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(gpu_wh+cpu_wh)*3600", [5400.0, None, 16200.0]),  # a missing part: unknown
        ("gpu_wh*3600 + cpu_wh*3600", [5400.0, None, 16200.0]),
        ('"cpu, (kWh)"*1000 + gpu_wh', [2.0, 4.0, 6.0]),
        ("2*(gpu_wh - gpu_wh/4) + 1", [2.5, 4.0, 5.5]),
        ("10 - gpu_wh - 2", [7.0, 6.0, 5.0]),  # from left to right
        ("a-b", [7.0, 8.0, 9.0]),  # the longest name that fits
        ("a-b-gpu_wh", [6.0, 6.0, 6.0]),
    ],
)
def test_columns_are_added_and_a_missing_part_makes_the_sum_unknown(expression, expected):
    assert joules(f"energy_j={expression}") == pytest.approx(expected)


def test_what_is_used_is_no_hyperparameter_but_a_part_of_the_contract_stays():
    table = load_table(FRAME, mapping="energy_j=gpu_wh+cpu_wh,score=1-err,cpu_j=cpu_wh*3600")
    assert list(table.trials["score"]) == pytest.approx([0.9, 0.8, 0.7])
    assert not {"p.gpu_wh", "p.cpu_wh", "p.err"} & {*table.trials}
    parts = FRAME.rename(columns={"gpu_wh": "gpu_j", "cpu_wh": "cpu_j"})
    table = load_table(parts, mapping="energy_j=gpu_j+cpu_j")
    assert list(table.trials["gpu_j"]) == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("(gpu_wh+cpu_wh*3600", "a parenthesis is opened and never closed"),
        ("gpu_wh+", "a name or a number is missing"),
        ("gpu_wh)*2", "')*2' is not expected there"),
        ("gpu_wh+ram_wh", "no column ram_wh among strategy, accuracy, gpu_wh"),
        ("3+4", "names no column"),
        ("(" * 30 + "gpu_wh" + ")" * 30, "more than 20 parentheses"),
        ("gpu_wh+" * 5000 + "gpu_wh", "longer than 2,000 characters"),
        ("__import__(gpu_wh)", "no column __import__"),
        ("gpu_wh/(gpu_wh-1)", "row 1, column gpu_wh: 1.0 is infinite once it is converted"),
        ("gpu_wh-2", "row 1, column (gpu_wh-2): -1.0 is below zero"),
    ],
)
def test_what_is_no_expression_is_refused_in_one_line(expression, words):
    with pytest.raises(DataError) as refused:
        joules(f"energy_j={expression}")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


EXPRESSIONS = st.recursive(
    st.sampled_from(["x", "y", "2", "0.5", "3e2"]),
    lambda inner: st.builds("({}{}{})".format, inner, st.sampled_from("+-*/"), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS, st.floats(0.1, 10), st.floats(0.1, 10))
def test_it_is_what_python_makes_of_it(expression, x, y):
    frame = pd.DataFrame({"strategy": ["a"], "accuracy": [0.5], "x": [x], "y": [y]})
    try:
        expected = eval(expression, {}, {"x": x, "y": y})
    except ZeroDivisionError:
        expected = np.inf
    if {"x", "y"}.isdisjoint(expression) or not np.isfinite(expected):
        with pytest.raises(DataError):
            joules(f"energy_j=0.5*x,duration_s={expression}", frame)
        return
    table = load_table(frame, mapping=f"energy_j=0.5*x,p.made={expression}")
    assert float(table.trials["p.made"][0]) == expected


# Components ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"gpu_j": [1.0, 2.0], "cpu_j": [3.0, None]}, [4.0, None]),
        ({"cpu_j": [3.0, 4.0], "gpu_j": [1.0, 2.0], "dram_j": [0.5, 0.5]}, [4.5, 6.5]),
        ({"gpu_j": [1.0, 2.0]}, [1.0, 2.0]),
        ({"gpu_j": [1.0, 2.0], "energy_train_j": [1.0, 2.0]}, [1.0, 2.0]),
    ],
)
def test_components_alone_make_the_energy(columns, expected):
    frame = pd.DataFrame({"strategy": ["a", "b"], "accuracy": [0.5, 0.6], **columns})
    assert joules("", frame) == expected
    parts = " + ".join(name for name in ("cpu_j", "gpu_j", "dram_j") if name in columns)
    assert f"energy_j of table is {parts}: " in load_table(frame).notes[0]


@pytest.mark.parametrize(
    ("columns", "option"),
    [
        (("gpu_j", "node_j"), "energy_j=node_j"),  # of which the card is a part
        (("gpu_j", "energy_kwh"), "'energy_j=energy_kwh*3.6e6'"),
        (("gpu_j", "cpu_wh"), "'energy_j=gpu_j+cpu_wh*3600'"),
        (("gpu_wh", "cpu_wh", "ram_wh"), "'energy_j=(gpu_wh+cpu_wh+ram_wh)*3600'"),
        (("gpu energy (kWh)", "cpu_kwh"), "'energy_j=(gpu energy (kWh)+cpu_kwh)*3.6e6'"),
    ],
)
def test_where_components_are_not_all_the_energy_is_asked_for(columns, option):
    frame = pd.DataFrame({"strategy": ["a"], "accuracy": [0.5], **dict.fromkeys(columns, 1.0)})
    with pytest.raises(DataError) as refused:
        load_table(frame)
    assert f"no column energy_j among {', '.join(frame)}" in str(refused.value)
    assert f"--map {option}" in str(refused.value)
    mapping = option.strip("'")
    assert load_table(frame, mapping=mapping).trials["energy_j"].notna().all()
