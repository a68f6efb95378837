"""An ``emissions.csv`` as CodeCarbon 3.3 writes it, which its tools and `perjoule import` read.

One row per trial, with a ``run_id`` of its own, so that nobody takes rows for one tracker's growing
sums. ``project_name`` is the strategy. Energies are kWh, emissions kg; what is not known is an
empty cell. Every row needs a duration. What is charged to no run has none, so it is no row, and
``experiment_id`` says how much it is.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pandas as pd

from ...benchmarks.tables.table import counted
from ...energy.quantities import JOULES_PER_UNIT, total
from ...errors import DataError
from ...plain import printable
from .. import content
from ..format import format_energy, format_kind, known
from .energies import SEARCH, within
from .facts import Cost, Disclosed

if TYPE_CHECKING:
    from .energies import Energy

COLUMNS: tuple[str, ...] = (
    "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions",
    "emissions_rate", "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy",
    "ram_energy", "energy_consumed", "water_consumed", "country_name", "country_iso_code", "region",
    "cloud_provider", "cloud_region", "os", "python_version", "codecarbon_version", "cpu_count",
    "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude", "ram_total_size",
    "tracking_mode", "cpu_utilization_percent", "gpu_utilization_percent",
    "ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue",
)  # fmt: skip
"""Its columns, in its order."""

_KWH_J = JOULES_PER_UNIT["kWh"]
_COMPONENTS = {"cpu": "cpu_j", "gpu": "gpu_j", "ram": "dram_j"}
_FORMULA = ("=", "+", "-", "@")
"""What makes a spreadsheet take a cell for a formula."""
_MODES = {"process": "process", "package": "machine", "board": "machine", "node": "machine"}


def write(cost: Cost) -> Disclosed:
    """Return the file.

    Raises:
        DataError: The trials have no moments or durations, which every row of CodeCarbon has.
    """
    trials = cost.table.trials
    lacking = {name: trials[name].isna().sum() for name in ("started_at", "duration_s")}
    told = [f"{count:,} have no {name}" for name, count in lacking.items() if count]
    if told:
        raise DataError(
            f"{cost.table.name}: a row of emissions.csv has a moment and a duration, and of "
            f"{counted(len(trials), 'trial')} {' and '.join(told)}: if other columns tell them, "
            '--map "started_at=begun,duration_s=minutes*60"'
        )
    shared, words = _shared(cost), _words(cost)
    rows = [_trial(cost, shared, words, row) for row in trials.to_dict("records")]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return Disclosed("codecarbon", text.getvalue(), tuple(_notes(cost)))


def _cell(value: Any) -> Any:
    """A text on one line that no spreadsheet takes for a formula; figures as they are."""
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _notes(cost: Cost) -> list[str]:
    notes = [
        "emissions.csv has no column for kind and uncertainty: they stand in experiment_id",
    ]
    if cost.unknown_trials:
        notes.append(
            f"the energy of {counted(cost.unknown_trials, 'trial')} is unknown: empty cells"
        )
    notes += [f"not among the rows, {each.what}: {each}" for each in _no_rows(cost)]
    if cost.grid is None:
        notes.append("no place is stated, so emissions are empty: say --carbon FRA")
    return notes


def _shared(cost: Cost) -> dict[str, Any]:
    """What is the same in every row."""
    parts = {part.type: part for part in cost.hardware}
    cpu, gpu = parts.get("cpu"), parts.get("gpu")
    place = (cost.grid.place if cost.grid else "").split(", ", 1)
    scopes = {str(meter["scope"]) for meter in content.meters(cost.table)}
    modes = {_MODES.get(scope, "machine") for scope in scopes}
    clouds = {"publicCloud": "Y", "onPremise": "N"}
    found = {
        "country_name": cost.country[0] if cost.country else None,
        "country_iso_code": cost.country[1] if cost.country else None,
        "region": place[1].lower() if len(place) > 1 else None,
        "os": content.part(cost.table, "machine").get("platform"),
        "python_version": cost.version("python"),
        "cpu_count": cpu and cpu.count,
        "cpu_model": cpu and cpu.name,
        "gpu_count": gpu and gpu.count,
        "gpu_model": gpu and f"{gpu.count} x {gpu.name}",
        "tracking_mode": modes.pop() if len(modes) == 1 else None,
        "on_cloud": clouds.get(cost.given.infrastructure or ""),
        "pue": 1,  # the joules are multiplied by none
    }
    return {name: value for name, value in found.items() if value is not None}


def _no_rows(cost: Cost) -> list[Energy]:
    """What was spent on no trial."""
    return [each for each in (*cost.search, *cost.beside) if each.what != SEARCH]


def _words(cost: Cost) -> dict[str, str]:
    """What is said of the joules of each kind, and of those that are no row."""
    others_j = total(each.energy_j for each in _no_rows(cost))
    told = "an unknown amount" if others_j is None else format_energy(others_j)
    extra = f"; beside the rows {told}, on no trial" if others_j != 0 else ""
    return {
        each.kind: f"{cost.table.name}: {each.kind}, {within(each.energy_j, each.error_j)}{extra}"
        for each in cost.search
    }


def _trial(
    cost: Cost, shared: dict[str, Any], words: dict[str, str], row: dict[Any, Any]
) -> dict[str, Any]:
    energy_j, duration_s = known(row["energy_j"]), float(row["duration_s"])
    stated = row["energy_kind"]
    kind = content.NOT_STATED if stated is None or pd.isna(stated) else str(stated)
    kind = "unavailable" if energy_j is None else format_kind(kind)
    joules = {name: known(row[column]) for name, column in _COMPONENTS.items()}
    powers = {
        f"{name}_power": own / duration_s
        for name, own in joules.items()
        if own is not None and duration_s > 0
    }
    energies = {f"{name}_energy": own / _KWH_J for name, own in joules.items() if own is not None}
    ended = row["started_at"] + pd.Timedelta(seconds=duration_s)
    return {
        **shared,
        "timestamp": f"{ended:%Y-%m-%dT%H:%M:%S.%f}",
        "project_name": row["strategy"],
        "run_id": f"{row['run']}/{row['trial']}",
        "experiment_id": words.get(kind, cost.table.name),
        "duration": duration_s,
        **powers,
        **energies,
        **_amounts(cost, energy_j, duration_s),
    }


def _amounts(cost: Cost, energy_j: float | None, duration_s: float) -> dict[str, Any]:
    """Energy in kWh, emissions in kg, and kg per second."""
    if energy_j is None:
        return {}
    grams = cost.grams(energy_j)
    if grams is None:
        return {"energy_consumed": energy_j / _KWH_J}
    rate = {"emissions_rate": grams / 1000.0 / duration_s} if duration_s > 0 else {}
    return {"energy_consumed": energy_j / _KWH_J, "emissions": grams / 1000.0, **rate}
