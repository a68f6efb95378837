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
        *(("FRA", "FRA", None), ("de", "DEU", None), ("South Africa", "ZAF", None)),
        *(("USA", "USA", None), ("USA/CA", "USA", "california")),
        ("US/West Virginia", "USA", "west virginia"),
        ("USA/DC", "USA", "district of columbia"),
        *(("CAN", "CAN", None), ("CAN/QC", "CAN", "quebec")),
        ("Canada/Nova Scotia", "CAN", "nova scotia"),
        *(("CHN/BJ", "CHN", "beijing"), ("CHN/CN-SX", "CHN", "shanxi")),
        ("China/Sichuan Province", "CHN", "sichuan"),
        ("CHN/Neimenggu", "CHN", "inner mongolia"),
        *(("SWE/SE3", "SWE", "SE3"), ("Norway/no4", "NOR", "NO4"), ("FIN/FI", "FIN", "FI")),
    ],
)
def test_places_have_the_figure_that_codecarbon_takes(codecarbon_g, text, country, region):
    assert intensity(text).grams(KWH_J) == pytest.approx(codecarbon_g(country, region), rel=1e-12)


@given(st.floats(0, 1e15), st.floats(0, 1e4))
def test_grams_are_energy_times_intensity(energy_j, g_per_kwh):
    place = CarbonIntensity(g_per_kwh, "here", 2023, "a test")
    assert place.grams(energy_j) == pytest.approx(energy_j * g_per_kwh / KWH_J)
    assert place.grams(None) is None


@pytest.mark.parametrize(
    ("code", "texts"),
    [
        ("FRA", ["fra", "FR", " fr ", "France", "FRANCE"]),
        ("RUS", ["Russian Federation", "Russia"]),  # ISO's and CodeCarbon's
        ("CIV", ["Côte d'Ivoire"]),
        ("CAN/QC", ["CAN/quebec", "CAN/Québec", "CAN/CA-QC", "ca / qc"]),
    ],
)
def test_a_place_is_known_by_its_codes_and_its_names(code, texts):
    assert {intensity(text) for text in texts} == {intensity(code)}


@given(st.floats(0, 1e5).map(lambda g: round(g, 3)), st.sampled_from(["g", "kg"]))
def test_a_figure_of_ones_own_is_taken_as_it_is(amount, unit):
    own = intensity(f"{amount:f} {unit}/kWh")
    assert own.g_per_kwh == pytest.approx(amount * {"g": 1, "kg": 1000}[unit])
    assert (own.place, own.year, own.source) == ("", None, "given by the user")


@pytest.mark.parametrize("text", ["200 g/kWh", "0.2kg/kWh", ".2 kgCO2eq/kWh", "200 gCO2e / kwh"])
def test_a_figure_is_written_in_several_ways(text):
    assert intensity(text).g_per_kwh == pytest.approx(200)


NO_FIGURE = ["56", "250", "-5 g/kWh", "5 lb/kWh", "g/kWh", "1.2.3 g/kWh"]


@pytest.mark.parametrize(
    ("text", "error", "reason"),
    [
        *((text, ConfigurationError, "56 g/kWh") for text in NO_FIGURE),
        # The last one's figure is a 0; none of them gets the average of the world.
        *((text, DataError, 'a figure, such as "475 g/kWh"') for text in ("Monaco", "AND", "CAF")),
        ("Frence", UnknownNameError, "did you mean 'France'"),
        ("", UnknownNameError, "DEU"),
        ("USA/Califronia", UnknownNameError, "did you mean 'california'"),
        ("SWE/NO1", UnknownNameError, "known: se1, se2, se3, se4"),
        ("CHN/Tibet", UnknownNameError, "region of China"),  # not published, unlike the country's
        ("FRA/Brittany", ConfigurationError, "no regions of France"),
    ],
)
def test_what_is_not_known_is_not_guessed(text, error, reason):
    with pytest.raises(error, match=reason):
        intensity(text)


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


LOOK_UP = """
import sys
from perjoule.energy.carbon import intensity
intensity('FRA'), intensity('USA/california')
print(sorted({'codecarbon', 'pandas', 'pycountry', 'torch'} & set(sys.modules)))
"""


def test_looking_up_a_country_imports_nothing_heavy():
    answer = subprocess.run([sys.executable, "-c", LOOK_UP], check=True, capture_output=True)
    assert answer.stdout.strip() == b"[]"


@pytest.mark.parametrize(
    ("grams", "text"),
    [
        *((None, "n/a"), (float("nan"), "n/a"), (0, "0 g"), (1.234, "1.23 g")),
        *((0.00123, "1.23 mg"), (999.9, "1.00 kg"), (-1.5, "-1.50 g")),
    ],
)
def test_grams_are_written_with_three_digits_and_a_fitting_unit(grams, text):
    assert format_grams(grams) == text
