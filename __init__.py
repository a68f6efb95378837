"""Which hyperparameter search finds the most accurate network for the fewest joules?

    import perjoule

    result = perjoule.compare(strategies=["random", "tpe"], budget="200 J")
    print(result.summary["verdict"]["sentence"])

Importing this package loads neither torch nor Optuna; what needs them loads them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Result, compare, load_best, report, tune
    from .benchmarks.audit import audit
    from .benchmarks.importers import import_table
    from .benchmarks.reading import load_table
    from .benchmarks.table import Table
    from .config import Experiment
    from .energy import EnergyBudget, EnergyMeter, Reading
    from .energy.carbon import intensity
    from .energy.metered import metered
    from .errors import (
        BudgetError,
        ConfigurationError,
        DataError,
        MeterError,
        OutputError,
        PerjouleError,
        UnknownNameError,
    )
    from .tuners.strategy import Strategy, Told, Work

_HOMES = {
    "api": ("Result", "compare", "load_best", "report", "tune"),
    "benchmarks.audit": ("audit",),
    "benchmarks.importers": ("import_table",),
    "benchmarks.reading": ("load_table",),
    "benchmarks.table": ("Table",),
    "config": ("Experiment",),
    "energy": ("EnergyBudget", "EnergyMeter", "Reading"),
    "energy.carbon": ("intensity",),
    "energy.metered": ("metered",),
    "errors": (
        "BudgetError",
        "ConfigurationError",
        "DataError",
        "MeterError",
        "OutputError",
        "PerjouleError",
        "UnknownNameError",
    ),
    "tuners.strategy": ("Strategy", "Told", "Work"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__version__ = "0.1.0"
__all__ = [
    "BudgetError",
    "ConfigurationError",
    "DataError",
    "EnergyBudget",
    "EnergyMeter",
    "Experiment",
    "MeterError",
    "OutputError",
    "PerjouleError",
    "Reading",
    "Result",
    "Strategy",
    "Table",
    "Told",
    "UnknownNameError",
    "Work",
    "audit",
    "compare",
    "import_table",
    "intensity",
    "load_best",
    "load_table",
    "metered",
    "report",
    "tune",
]


def __getattr__(name: str) -> Any:
    """Load a public name's home when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value
