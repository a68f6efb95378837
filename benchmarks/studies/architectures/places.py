"""Emissions by place: what trainings emitted where they ran, and what they would have elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ....energy.carbon import CarbonIntensity, intensity
from ....energy.quantities import total
from ....errors import PerjouleError
from ..facts import Claim, Quantity, Sheet
from .means import mean_ratio

if TYPE_CHECKING:
    import pandas as pd

PAPERS = ("USA/OR", "USA/SC", "TWN", "FRA")
"""Where the paper trained: Oregon, South Carolina and Taiwan in the cloud, France on a node."""
EXACT = 1e-9
EMISSIONS = "p.emissions_kg"
WITHIN = 0.17
"""Largest relative difference of the paper's energies between the regions of 4.5."""
APART = 4.5
"""How many times more the paper's trainings emitted in one region than in another."""
_SLACK = 0.01  # of a figure that is published with two digits


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
    """The same joules at the places of the highest and the lowest intensity.

    The claim holds if the emissions, added up training by training, are as the intensities.
    """
    statement = "The same training emits in proportion to the grid's intensity."
    paper = Quantity(APART, note="highest over lowest region")
    known = sorted(places.values(), key=lambda each: each.g_per_kwh)
    if len(known) < 2 or not energies_j:
        missing = "no joules are known" if len(known) > 1 else "fewer than two places have a figure"
        return Claim(statement, paper, None, None, missing)
    low, high = known[0], known[-1]
    emitted = [total([each.grams(energy_j) for energy_j in energies_j]) for each in (high, low)]
    assert emitted[0] is not None
    assert emitted[1] is not None
    ratio, expected = emitted[0] / emitted[1], high.g_per_kwh / low.g_per_kwh
    off = abs(ratio / expected - 1)
    where = f"{high.place or 'the given place'} over {low.place or 'the given place'}"
    return Claim(
        statement,
        paper,
        Quantity(ratio, note=where),
        off <= EXACT,
        f"emissions are the same joules times grams per kilowatt-hour: their ratio differs from "
        f"that of the intensities by {off:.1g}, and the energy does not change",
    )


def between(trials: pd.DataFrame) -> list[Claim]:
    """Recorded emissions and energy in several places, on the data set that has most of them."""
    if EMISSIONS not in trials or "g.place" not in trials:
        return []
    known = trials[trials[EMISSIONS].notna() & trials["g.place"].notna()]
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
    return [
        Claim(
            f"Emissions differ {APART:g} times between regions.",
            Quantity(APART),
            emission,
            emission.value >= APART * (1 - _SLACK),
            f"{where}, the energy of a training is {energy.value:.2f} times as high and the grid "
            f"emits {emission.value / energy.value:.2f} times as much per kilowatt-hour",
        ),
        Claim(
            f"Energy differs by no more than {WITHIN:.0%} between these regions.",
            Quantity(None, high=1 + WITHIN),
            energy,
            abs(energy.value - 1) <= WITHIN + _SLACK,
            f"the mean energy of a training differs by {abs(energy.value - 1):.1%}",
        ),
    ]


def places_sheet(energies_j: Sequence[float], places: Mapping[str, CarbonIntensity]) -> Sheet:
    """What all trainings together would emit, place by place, as ratios to the lowest."""
    ordered = sorted(places.values(), key=lambda each: each.g_per_kwh)
    lowest = ordered[0]
    rows = []
    for each in ordered:
        emitted = [total([place.grams(j) for j in energies_j]) for place in (each, lowest)]
        ratio = emitted[0] / emitted[1] if emitted[0] and emitted[1] else None
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
        "same everywhere: only the grid differs.",
        ("Place", "Intensity", "Year", "Emissions", "Energy", "Source"),
        tuple(rows),
    )
