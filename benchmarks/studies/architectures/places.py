"""Emissions by place: what trainings emitted where they ran, and what they would have elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ....energy.carbon import CarbonIntensity, intensity
from ....energy.quantities import format_percent, total
from ....errors import PerjouleError
from ..facts import Claim, Quantity, Sheet
from .means import mean_ratio, stated

if TYPE_CHECKING:
    import pandas as pd

PAPERS = ("USA/OR", "USA/SC", "TWN", "FRA")
"""Where the paper trained: Oregon, South Carolina and Taiwan in the cloud, France on a node."""
EXACT = 1e-9
EMISSIONS = "p.emissions_kg"
WITHIN = 0.17
"""Largest relative difference of the paper's energies between the regions of 4.5."""
APART = 4.5
"""How many times more the paper's trainings emitted in Taiwan than in Oregon, its lowest region."""
_REGIONS = ("TWN", "USA/OR")
_GRIDS = 3.84
"""Emissions over energy in the paper's tables, of Taiwan over Oregon: 532.8 over 138.7 g/kWh."""


def intensities(places: Sequence[str]) -> dict[str, CarbonIntensity]:
    """The carbon intensities of places; one that CodeCarbon has no figure of is left out."""
    found = {}
    for place in dict.fromkeys(places):
        try:
            found[place] = intensity(place)
        except PerjouleError:
            continue
    return found


def elsewhere(energies_j: Sequence[float], places: Mapping[str, CarbonIntensity]) -> Claim:
    """The same joules elsewhere: in the paper's regions, else where the grid emits most and least.

    The claim holds if the emissions of all places, added up training by training, are as the
    intensities. That is arithmetic, and said to be.
    """
    statement = "The same training emits in proportion to the grid's intensity."
    known = sorted(
        (each for each in places.values() if each.g_per_kwh > 0), key=lambda each: each.g_per_kwh
    )
    if len(known) < 2 or not sum(energies_j):
        missing = "no joules are known" if len(known) > 1 else "fewer than two places have a figure"
        return Claim(statement, None, None, None, missing)
    lowest_g = _grams(known[0], energies_j)
    off = max(
        abs(_grams(each, energies_j) / lowest_g * known[0].g_per_kwh / each.g_per_kwh - 1)
        for each in known[1:]
    )
    why = (
        "it is so by construction: emissions are the same joules times grams per kilowatt-hour, so "
        f"that the ratios of {len(known)} places differ from those of their intensities by at most "
        f"{off:.1g}, and the energy does not change"
    )
    high, low, paper = known[-1], known[0], None
    if all(name in places for name in _REGIONS):
        high, low = (places[name] for name in _REGIONS)
        paper = Quantity(_GRIDS, note="Taiwan over Oregon, intensities of 2022")
        why += (
            "; the paper's tables have the intensities that CodeCarbon knew in 2022, ours are of "
            "another year"
        )
    when = f", intensities of {high.year}" if high.year and high.year == low.year else ""
    where = f"{_name(high)} over {_name(low)}{when}"
    ratio = _grams(high, energies_j) / _grams(low, energies_j)
    return Claim(statement, paper, Quantity(ratio, note=where), off <= EXACT, why)


def _name(place: CarbonIntensity) -> str:
    return place.place.removeprefix("United States, ") if place.place else "the given place"


def _grams(place: CarbonIntensity, energies_j: Sequence[float]) -> float:
    """What trainings emit at a place, added up one by one."""
    emitted = total(place.grams(energy_j) for energy_j in energies_j)
    assert emitted is not None  # all joules are known
    return emitted


def between(trials: pd.DataFrame) -> list[Claim]:
    """Recorded emissions and energy in several places, on the data set that has most of them.

    Both are rounded as the paper's figures are before they are judged by them.
    """
    import pandas as pd

    if EMISSIONS not in trials or "g.place" not in trials:
        return []
    emissions = pd.to_numeric(trials[EMISSIONS], errors="coerce").astype(float)
    places = stated(trials["g.place"], "")
    known = trials.assign(**{EMISSIONS: emissions, "g.place": places})
    known = known[(emissions > 0) & (places != "")]
    if "g.dataset" in known and len(known):
        counts = known.groupby("g.dataset", sort=False)["g.place"].nunique()
        known = known[known["g.dataset"] == counts.idxmax()]
    emitted = known.groupby("g.place")[EMISSIONS].mean().sort_values()
    if len(emitted) < 2:
        return []
    lowest, highest = str(emitted.index[0]), str(emitted.index[-1])
    where = f"{highest} over {lowest}"
    both = (known[known["g.place"] == highest], known[known["g.place"] == lowest])
    emission = mean_ratio(*both, EMISSIONS, within=("architecture",), note=where)
    energy = mean_ratio(*both, within=("architecture",), note=where)
    if emission is None or energy is None or emission.value is None or energy.value is None:
        return []
    most = format_percent(WITHIN, 0)
    return [
        Claim(
            f"Emissions differ {APART:g} times between regions.",
            Quantity(APART, note="its highest region over its lowest"),
            emission,
            round(emission.value, 1) >= APART,
            f"{where}, the energy of a training is {energy.value:.2f} times as high and the grid "
            f"emits {emission.value / energy.value:.2f} times as much per kilowatt-hour; the ratio "
            "is judged as the paper rounds its own, to one decimal",
        ),
        Claim(
            f"Energy differs by no more than {most} between these regions.",
            Quantity(None, high=1 + WITHIN),
            energy,
            round(abs(energy.value - 1), 2) <= WITHIN,
            "the mean energy of a training differs by "
            f"{format_percent(abs(energy.value - 1))}, and is judged in whole percent, as the "
            "paper's is",
        ),
    ]


def places_sheet(energies_j: Sequence[float], places: Mapping[str, CarbonIntensity]) -> Sheet:
    """What all trainings together would emit, place by place, as ratios to the lowest."""
    ordered = sorted(places.values(), key=lambda each: each.g_per_kwh)
    lowest = ordered[0]
    rows = []
    for each in ordered:
        emitted, least = (_grams(place, energies_j) for place in (each, lowest))
        ratio = emitted / least if least else None
        rows.append(
            (
                each.place or "the given place",
                Quantity(each.g_per_kwh, unit="g/kWh"),
                str(each.year or "n/a"),
                None if ratio is None else Quantity(ratio),
                Quantity(1.0),
                each.source,
            )
        )
    return Sheet(
        "places",
        "The same trainings elsewhere",
        "Emissions are joules times grams of CO2 equivalents per kilowatt-hour. The energy is the "
        "same everywhere, that of trainings that failed included: only the grid differs.",
        ("Place", "Intensity", "Year", "Emissions", "Energy", "Source"),
        tuple(rows),
    )
