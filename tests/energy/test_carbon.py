import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perjoule.energy.carbon import CarbonIntensity, format_grams, intensity
from perjoule.errors import ConfigurationError, DataError, UnknownNameError

KWH_J = 3.6e6


@pytest.fixture(scope="module")
def codecarbon_g():
    """Grams that CodeCarbon itself counts for one kWh in a country and its region."""
    from codecarbon.core.emissions import Emissions
    from codecarbon.core.units import Energy
    from codecarbon.external.geography import GeoMetadata
    from codecarbon.input import DataSource

    emissions = Emissions(DataSource())

    def grams(country: str, region: str | None = None) -> float:
        place = GeoMetadata(country_iso_code=country, region=region)
        return 1e3 * emissions.get_private_infra_emissions(Energy.from_energy(kWh=1.0), place)

    return grams


@pytest.mark.parametrize(
    ("text", "country", "region"),
    [
        ("FRA", "FRA", None),
        ("de", "DEU", None),
        ("South Africa", "ZAF", None),
        ("USA", "USA", None),
        ("USA/CA", "USA", "california"),
        ("US/West Virginia", "USA", "west virginia"),
        ("USA/DC", "USA", "district of columbia"),
        ("CAN", "CAN", None),
        ("CAN/QC", "CAN", "quebec"),
        ("Canada/Nova Scotia", "CAN", "nova scotia"),
        ("CHN/BJ", "CHN", "beijing"),
        ("CHN/CN-SX", "CHN", "shanxi"),
        ("China/Sichuan Province", "CHN", "sichuan"),
        ("CHN/Neimenggu", "CHN", "inner mongolia"),
        ("SWE/SE3", "SWE", "SE3"),
        ("Norway/no4", "NOR", "NO4"),
        ("FIN/FI", "FIN", "FI"),
    ],
)
def test_places_have_the_figure_that_codecarbon_takes(codecarbon_g, text, country, region):
    assert intensity(text).grams(KWH_J) == pytest.approx(codecarbon_g(country, region), rel=1e-12)


@given(st.floats(0, 1e15), st.floats(0, 1e4))
def test_grams_are_energy_times_intensity(energy_j, g_per_kwh):
    place = CarbonIntensity(g_per_kwh, "here", 2023, "a test")
    assert place.grams(energy_j) == pytest.approx(energy_j * g_per_kwh / KWH_J)


def test_unknown_energy_emits_an_unknown_amount():
    assert intensity("FRA").grams(None) is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        *(("FRA", text) for text in ("fra", "FR", " fr ", "France", "FRANCE")),
        *(("RUS", text) for text in ("Russian Federation", "Russia")),  # ISO's and CodeCarbon's
        ("CIV", "Côte d'Ivoire"),
    ],
)
def test_a_country_is_known_by_its_codes_and_its_names(code, text):
    assert intensity(text) == intensity(code)


@pytest.mark.parametrize("text", ["CAN/QC", "CAN/quebec", "CAN/Québec", "CAN/CA-QC", "ca / qc"])
def test_a_region_is_known_by_its_code_and_its_name(text):
    assert intensity(text).place == "Canada, Quebec"


@given(st.floats(0, 1e5).map(lambda g: round(g, 3)), st.sampled_from(["g", "kg"]))
def test_a_figure_of_ones_own_is_taken_as_it_is(amount, unit):
    own = intensity(f"{amount:f} {unit}/kWh")
    assert own.g_per_kwh == pytest.approx(amount * {"g": 1, "kg": 1000}[unit])
    assert (own.place, own.year, own.source) == ("", None, "given by the user")


@pytest.mark.parametrize("text", ["200 g/kWh", "0.2kg/kWh", ".2 kgCO2eq/kWh", "200 gCO2e / kwh"])
def test_a_figure_is_written_in_several_ways(text):
    assert intensity(text).g_per_kwh == pytest.approx(200)


@pytest.mark.parametrize("text", ["56", "250", "-5 g/kWh", "5 lb/kWh", "g/kWh", "1.2.3 g/kWh"])
def test_what_is_no_figure_is_neither_guessed_nor_taken_for_a_country(text):
    with pytest.raises(ConfigurationError, match="56 g/kWh"):
        intensity(text)


@pytest.mark.parametrize("text", ["Monaco", "AND", "CAF"])  # the last one's figure is a 0
def test_a_country_without_a_figure_does_not_get_the_average_of_the_world(text):
    with pytest.raises(DataError, match='write a figure, such as "475 g/kWh"'):
        intensity(text)


def test_an_unknown_country_is_answered_with_near_ones():
    with pytest.raises(UnknownNameError, match="did you mean 'France'"):
        intensity("Frence")
    with pytest.raises(UnknownNameError, match="DEU"):
        intensity("")


def test_an_unknown_region_is_answered_with_those_of_its_country():
    with pytest.raises(UnknownNameError, match="did you mean 'california'"):
        intensity("USA/Califronia")
    with pytest.raises(UnknownNameError, match="known: se1, se2, se3, se4"):
        intensity("SWE/NO1")
    with pytest.raises(UnknownNameError, match="region of China"):
        intensity("CHN/Tibet")  # not published; the country's mean is not its
    with pytest.raises(ConfigurationError, match="no regions of France"):
        intensity("FRA/Brittany")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("FRA", r"[\d.]+ g/kWh, France \d{4} \(CodeCarbon's table, Our World in Data\)"),
        ("USA/CA", r"[\d.]+ g/kWh, United States, California \d{4} \(.*, EPA eGRID\)"),
        ("CAN/QC", r"[\d.]+ g/kWh, Canada, Quebec \d{4} \(.*, fossil sources only\)"),
        ("CHN/BJ", r"[\d.]+ g/kWh, China, Beijing \d{4} \(.*, CO2 alone\)"),
        ("SWE/se3", r"[\d.]+ g/kWh, Sweden, SE3 \d{4} \(.*, ENTSO-E generation mix\)"),
        ("0.2 kg/kWh", r"200\.0 g/kWh \(given by the user\)"),
    ],
)
def test_it_says_where_its_figure_is_from(text, line):
    described = str(intensity(text))
    assert re.fullmatch(line, described), described


def test_looking_up_a_country_imports_nothing_heavy():
    program = (
        "import sys\n"
        "from perjoule.energy.carbon import intensity\n"
        "intensity('FRA'), intensity('USA/california')\n"
        "print(sorted({'codecarbon', 'pandas', 'pycountry', 'torch'} & set(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert answer.stdout == "[]\n", answer.stderr


@pytest.mark.parametrize(
    ("grams", "text"),
    [
        (None, "n/a"),
        (float("nan"), "n/a"),
        (0, "0 g"),
        (1.234, "1.23 g"),
        (0.00123, "1.23 mg"),
        (999.9, "1.00 kg"),
        (-1.5, "-1.50 g"),
    ],
)
def test_grams_are_written_with_three_digits_and_a_fitting_unit(grams, text):
    assert format_grams(grams) == text
