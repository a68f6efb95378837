"""Grams of CO2 equivalents from joules, by CodeCarbon's tables; nothing asks a network.

intensity("FRA").grams(3.6e6)  # 56.039 g: one kilowatt-hour in France
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, DataError, UnknownNameError
from .quantities import JOULES_PER_UNIT, format_energy
from .sources.codecarbon import find_data_files

G_PER_KWH_OF_LB_PER_MWH = 0.45359237  # grams per kWh of one pound per MWh
# What CodeCarbon counts in a province's energy mix; it takes the other sources for clean.
FOSSIL_G_PER_KWH = {"coal": 995.725971, "petroleum": 816.6885263, "naturalGas": 743.8415916}
WORLD_G_PER_KWH = 475  # IEA 2019; CodeCarbon takes it silently for a country without a figure

_FIGURE = re.compile(r"(\d+\.?\d*|\.\d+)\s*(k?)g(?:\s*CO2(?:eq?)?)?\s*/\s*kWh", re.I)
_CHINESE_SUFFIX = re.compile(
    r"\s+(autonomous region|municipality|province|sheng|shi|zizhiqu)$"  # as in CodeCarbon
)


@dataclass(frozen=True)
class CarbonIntensity:
    """What a kilowatt-hour emits at a place."""

    g_per_kwh: float  # grams of CO2 equivalents per kilowatt-hour
    place: str  # the country, with the region after a comma; empty for the user's own figure
    year: int | None  # the year the figure is for; None if not known
    source: str  # where the figure is from

    def grams(self, energy_j: float | None) -> float | None:
        """Grams that an energy in joules emits: J / 3.6e6 x g/kWh; None for unknown energy."""
        if energy_j is None:
            return None
        return energy_j / JOULES_PER_UNIT["kWh"] * self.g_per_kwh

    def __str__(self) -> str:
        """One line for people: ``"56.0 g/kWh, France 2023 (CodeCarbon's table, …)"``."""
        where = f", {self.place}" if self.place else ""
        when = f" {self.year}" if self.year else ""
        return f"{self.g_per_kwh:.1f} g/kWh{where}{when} ({self.source})"


def intensity(text: str) -> CarbonIntensity:
    """The carbon intensity that a text names.

        perjoule.intensity("FRA").grams(3.6e6)  # of one kilowatt-hour in France

    Args:
        text: A country (``"FRA"``, ``"FR"`` or ``"France"``), with a region after a slash in the
            USA, Canada, China, Sweden, Norway and Finland (``"USA/CA"``, ``"CAN/quebec"``,
            ``"CHN/Beijing"``, ``"SWE/SE3"``), or a figure such as ``"56 g/kWh"`` or
            ``"0.2 kg/kWh"``.

    Returns:
        The same figure as CodeCarbon takes for the place.

    Raises:
        UnknownNameError: There is no such country or region.
        ConfigurationError: The figure has no unit, or the country has no regions here.
        DataError: CodeCarbon has no figure for the country, or is not installed.
    """
    text = text.strip()
    if text[:1] in tuple("0123456789.+-") or "kwh" in text.lower():
        return _parse_figure(text)
    country, slash, region = (part.strip() for part in text.partition("/"))
    code = country_code(country)
    return _of_region(code, region) if slash else _of_country(code)


def format_grams(grams: float | None) -> str:
    """Write grams for people: three digits and a fitting unit, ``"1.23 kg"``; unknown is n/a."""
    text = format_energy(grams)  # the same digits and prefixes
    return text.removesuffix("J") + "g" if text.endswith("J") else text


def _parse_figure(text: str) -> CarbonIntensity:
    if (match := _FIGURE.fullmatch(text)) is None:
        raise ConfigurationError(
            f"carbon intensity {text!r} is not a figure with its unit: "
            'write it like "56 g/kWh" or "0.2 kg/kWh"'
        )
    factor = 1000.0 if match[2] else 1.0
    return CarbonIntensity(float(match[1]) * factor, "", None, "given by the user")


def country_code(country: str) -> str:
    """The three letters of a country that is given in any of its forms."""
    table = _read("global_energy_mix.json")
    for code, entry in table.items():
        if country.lower() in (code.lower(), entry["country_name"].lower()):
            return code
    import pycountry  # 40 ms, for the forms that CodeCarbon's table lacks

    try:
        return pycountry.countries.lookup(country).alpha_3
    except LookupError:
        names = [entry["country_name"] for entry in table.values()]
        names += [entry.name for entry in pycountry.countries]
        by_lower_case = {name.lower(): name for name in names}
        near = get_close_matches(country.lower(), by_lower_case, n=5)
        known = [by_lower_case[name] for name in near] or list(table)
        raise UnknownNameError("country", country, known) from None


def _country_name(code: str) -> str:
    entry = _read("global_energy_mix.json").get(code)
    return _iso_country(code).name if entry is None else entry["country_name"]


def _of_country(code: str) -> CarbonIntensity:
    name, entry = _country_name(code), _read("global_energy_mix.json").get(code, {})
    if not entry.get("carbon_intensity"):  # a 0 is a hole: over its life no source emits nothing
        raise DataError(
            f"CodeCarbon has no carbon intensity of {name}: write a figure, such as "
            f'"{WORLD_G_PER_KWH} g/kWh", the world\'s average'
        )
    source = "CodeCarbon's table, Our World in Data"
    return CarbonIntensity(entry["carbon_intensity"], name, entry["year"], source)


def _of_region(code: str, region: str) -> CarbonIntensity:
    country = _country_name(code)
    if code not in _REGIONS:
        raise ConfigurationError(
            f"CodeCarbon has no regions of {country}: write {code!r} alone, or a figure in g/kWh"
        )
    known = _REGIONS[code](country)
    for name in _region_names(code, region):
        if name in known:
            return known[name]
    raise UnknownNameError(f"region of {country}", region, known)


def _region_names(code: str, region: str) -> list[str]:
    """The forms in which the tables may have a region."""
    name = _fold(region)
    names = [name, _CHINESE_SUFFIX.sub("", name)]
    if re.fullmatch(r"([a-z]{2}-)?[a-z]{2}", name):
        import pycountry

        iso = f"{_iso_country(code).alpha_2}-{name[-2:].upper()}"
        found: Any = pycountry.subdivisions.get(code=iso)
        if found is not None:
            names += [_fold(found.name), iso.lower()]
    return names


def _iso_country(code: str) -> Any:
    import pycountry

    return pycountry.countries.get(alpha_3=code)


def _us_states(country: str) -> dict[str, CarbonIntensity]:
    table = _read("*/usa_emissions.json")
    year = table.get("_source", {}).get("year")
    basis = "CodeCarbon's table, EPA eGRID"
    grams = {
        state: entry["emissions"] * G_PER_KWH_OF_LB_PER_MWH
        for state, entry in table.items()
        if len(entry.get("regionCode", "")) == 2 and "emissions" in entry
    }
    return {n: CarbonIntensity(g, f"{country}, {n.title()}", year, basis) for n, g in grams.items()}


def _canadian_provinces(country: str) -> dict[str, CarbonIntensity]:
    year = int(_path("*/canada_energy_mix.json").parent.name)
    basis = "CodeCarbon's table, energy mix by Canada Energy Regulator, fossil sources only"
    grams = {
        province: sum(mix[fuel] / mix["total"] * g for fuel, g in FOSSIL_G_PER_KWH.items())
        for province, mix in _read("*/canada_energy_mix.json").items()
    }
    return {n: CarbonIntensity(g, f"{country}, {n.title()}", year, basis) for n, g in grams.items()}


def _chinese_provinces(country: str) -> dict[str, CarbonIntensity]:
    return {
        name: CarbonIntensity(
            entry["emission_factor"],
            f"{country}, {entry['description']}",
            entry["year"],
            "CodeCarbon's table, MEE and NBS of China, CO2 alone",
        )
        for code, entry in _read("*/china_provincial_emissions.json")["data"].items()
        for name in (*entry["names"], code.lower())
    }


def _nordic_zones(country: str) -> dict[str, CarbonIntensity]:
    return {
        zone.lower(): CarbonIntensity(
            entry["emission_factor"],
            f"{country}, {zone}",
            entry["year"],
            "CodeCarbon's table, " + ("no source" if zone == "FI" else "ENTSO-E generation mix"),
        )
        for zone, entry in _read("nordic_emissions.json")["data"].items()
        if zone[:2] == _ZONE_PREFIX[country]
    }


_ZONE_PREFIX = {"Sweden": "SE", "Norway": "NO", "Finland": "FI"}
_REGIONS = {"USA": _us_states, "CAN": _canadian_provinces, "CHN": _chinese_provinces}
_REGIONS |= dict.fromkeys(("SWE", "NOR", "FIN"), _nordic_zones)


def _fold(name: str) -> str:
    """Lower case without accents, as CodeCarbon writes regions: ``"Québec"`` is ``"quebec"``."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return " ".join(plain.lower().split())


@cache
def _read(pattern: str) -> dict[str, Any]:
    file = _path(pattern)
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read CodeCarbon's table {file}: {error}") from error


def _path(pattern: str) -> Path:
    """A file of CodeCarbon's tables, the one of the latest year where there are several."""
    if found := find_data_files(f"private_infra/{pattern}"):
        return found[-1]
    raise DataError(
        f"CodeCarbon's table {pattern} is not installed: pip install codecarbon, or write a "
        'figure such as "56 g/kWh"'
    )
