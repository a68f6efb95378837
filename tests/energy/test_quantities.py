import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy import EnergyBudget
from perjoule.energy.quantities import JOULES_PER_UNIT, format_energy, parse_energy, total
from perjoule.errors import BudgetError

amounts = st.floats(1e-6, 1e12)


@given(amounts, st.sampled_from(sorted(JOULES_PER_UNIT)), st.sampled_from(["", " ", "  "]))
def test_an_amount_is_its_number_times_its_unit(number, unit, space):
    expected = number * JOULES_PER_UNIT[unit]
    assert parse_energy(f"{space}{number!r}{space}{unit}{space}") == pytest.approx(expected)


@given(amounts)
def test_plain_numbers_are_joules_and_what_is_written_for_people_reads_back(number):
    assert parse_energy(number) == parse_energy(f"{number} J") == number
    if number >= 1e-3:
        assert parse_energy(format_energy(number)) == pytest.approx(number, rel=0.005)


@pytest.mark.parametrize(
    ("text", "energy_j"),
    [
        *(("5 kJ", 5_000), ("0.2 Wh", 720), ("1 kWh", 3.6e6), ("1 mJ", 1e-3), ("1 MJ", 1e6)),
        *(("5kj", 5_000), ("5 KJ", 5_000), ("2 wh", 7_200), (".5 J", 0.5), ("1_000 J", 1_000)),
        *(("1e3 J", 1_000), ("+2 J", 2), (120, 120)),
    ],
)
def test_examples(text, energy_j):
    assert parse_energy(text) == pytest.approx(energy_j)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "J", "five J", "5 kg", "5 J J", "5,000 J", "0,2 Wh", "1.2.3 J", "1e J", "5 Mj",
        "5 mj", "0x10 J", "nan", "inf", "1e999 J", math.nan, math.inf, None, True, "5 W",
    ],
)  # fmt: skip
def test_what_is_no_amount_of_energy_is_refused_with_an_example(text):
    with pytest.raises(BudgetError, match=r"is not an amount of energy: .*6 kJ"):
        parse_energy(text)


@pytest.mark.parametrize("text", ["6", " 6 ", "1e3", "0.5", "-1", "0"])
def test_a_text_without_a_unit_is_refused_since_nobody_knows_what_was_meant(text):
    number = text.strip()
    with pytest.raises(
        BudgetError, match=f'\'{text}\' has no unit: write "{number} J", "{number} kJ'
    ):
        EnergyBudget(text)


@pytest.mark.parametrize("text", [0, -1, "0 J", "-5 kJ", "1e-999 J"])
def test_budgets_are_above_zero(text):
    with pytest.raises(BudgetError, match="is not above zero"):
        parse_energy(text)


@pytest.mark.parametrize(
    ("energy_j", "text"),
    [
        *((None, "n/a"), (math.nan, "n/a"), (0, "0 J"), (1234, "1.23 kJ"), (999.4, "999 J")),
        *((999.6, "1.00 kJ"), (-1500, "-1.50 kJ"), (0.0042, "4.20 mJ"), (2e-6, "2.00 µJ")),
        *((7.2e6, "7.20 MJ"), (5e9, "5.00 GJ")),
    ],
)
def test_joules_for_people(energy_j, text):
    assert format_energy(energy_j) == text


@pytest.mark.parametrize(
    ("amounts", "sum_j"),
    [([], 0), ([0.0], 0.0), ([1.5, 0.0, -0.5], 1.0), ([1.5, None], None), ([None], None)],
)
def test_a_sum_with_an_unknown_part_is_unknown(amounts, sum_j):
    assert total(iter(amounts)) == sum_j
