"""Software Carbon Intensity for AI, of the Green Software Foundation, as JSON.

`SCI = (O + M) per R` (ISO/IEC 21031:2024), with `O = E x I` and `M = TE x TS x RS`. SCI for AI has
two boundaries. Model training belongs to the provider's, and in it model selection: the search, all
its trials included. The consumer's is runtime, of which nothing is metered here. The provider's
functional units are billions of parameters, training tokens and floating point operations.

A score without embodied carbon would be none, so it is null until `M` is known.
"""

from __future__ import annotations

import json
from typing import Any

from ...energy.quantities import JOULES_PER_UNIT
from ...errors import ConfigurationError
from ..format import known
from .facts import Cost, Disclosed
from .wording import account, grid_line, plain_energies, scope_line, sum_line

_KWH_J = JOULES_PER_UNIT["kWh"]
_BILLION = 1e9


def write(cost: Cost) -> Disclosed:
    """Return the provider's score by each functional unit that is known."""
    operational_g = cost.grams(cost.spent_j)
    embodied_g = _embodied_g(cost)
    units = _units(cost)
    notes = []
    if embodied_g is None:
        notes.append(
            "embodied carbon is not known, so the score is null and operational carbon stands "
            "alone: say --embodied '1200 kg', --lifetime '4 years' and --share 1"
        )
    if not units:
        notes.append(
            "no functional unit is known: the table has no parameters; say --flops or --tokens"
        )
    total_g = None if embodied_g is None or operational_g is None else operational_g + embodied_g
    report = {
        "specification": "Software Carbon Intensity for AI, after ISO/IEC 21031:2024",
        "name": cost.table.name,
        "provider": {
            "boundary": {
                "included": ["model training: the hyperparameter search, all trials included"],
                "not_metered": ["data engineering", "system integration", "end of life"],
            },
            "operational": {
                "energy_kwh": None if cost.spent_j is None else cost.spent_j / _KWH_J,
                "energy_error_kwh": _kwh(cost.spent_error_j),
                "intensity_g_per_kwh": cost.grid.g_per_kwh if cost.grid else None,
                "intensity_source": str(cost.grid) if cost.grid else None,
                "g": operational_g,
            },
            "embodied": {"g": embodied_g, **_embodied_facts(cost)},
            "scores": [
                {
                    "functional_unit": what,
                    "units": amount,
                    "operational_g_per_unit": _per(operational_g, amount),
                    "sci_g_per_unit": _per(total_g, amount),
                }
                for what, amount in units.items()
            ],
        },
        "consumer": None,
        "energies": plain_energies(cost),
        "methodology": [sum_line(cost), *account(cost), scope_line(cost), grid_line(cost)],
    }
    notes.append("the consumer's score is null: nothing of runtime was metered")
    text = json.dumps(report, indent=2, allow_nan=False, ensure_ascii=False)
    return Disclosed("sci", f"{text}\n", tuple(notes))


def _embodied_g(cost: Cost) -> float | None:
    made = cost.given.made
    if made is None:
        return None
    if cost.wall_s is None:
        raise ConfigurationError(
            f"{cost.table.name} does not say how long the search took, so embodied carbon cannot "
            "be shared out: leave --embodied away"
        )
    return made.grams(cost.wall_s)


def _embodied_facts(cost: Cost) -> dict[str, Any]:
    made = cost.given.made
    if made is None:
        return {}
    return {
        "made_g": made.made_g,
        "reserved_s": cost.wall_s,
        "lifetime_s": made.lifetime_s,
        "share": made.share,
    }


def _units(cost: Cost) -> dict[str, float]:
    parameters = known(cost.best_trial.get("n_parameters"))
    found = {
        "billion parameters of the best candidate": parameters and parameters / _BILLION,
        "floating point operation of the search": cost.given.flops,
        "training token": cost.given.tokens,
    }
    return {what: amount for what, amount in found.items() if amount}


def _per(grams: float | None, amount: float) -> float | None:
    return None if grams is None else grams / amount


def _kwh(energy_j: float | None) -> float | None:
    return None if energy_j is None else energy_j / _KWH_J
