import subprocess
import sys

import perjoule
from perjoule.errors import PerjouleError

PUBLIC = [
    "BudgetError",
    "ConfigurationError",
    "DataError",
    "EnergyBudget",
    "EnergyMeter",
    "Experiment",
    "KerasCallback",
    "KerasEnergyCallback",
    "LightningCallback",
    "LightningEnergyCallback",
    "MeterError",
    "Metric",
    "OutputError",
    "PerjouleError",
    "Reading",
    "Recorder",
    "Result",
    "Strategy",
    "StudyResult",
    "Table",
    "Told",
    "TransformersCallback",
    "TransformersEnergyCallback",
    "Trial",
    "UnknownNameError",
    "Work",
    "XGBoostCallback",
    "analyse",
    "ask_batch",
    "audit",
    "compare",
    "disclose",
    "export",
    "figures",
    "fit_once",
    "import_table",
    "intensity",
    "load_best",
    "load_table",
    "metered",
    "partial_fit_epochs",
    "project",
    "replay",
    "report",
    "study",
    "tune",
]


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_what_is_public_is_exactly_this():
    assert perjoule.__all__ == PUBLIC
    for name in PUBLIC:
        if not name.endswith("Callback"):  # these load the libraries that they are for
            assert getattr(perjoule, name).__name__.rpartition(".")[2] == name


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(perjoule, "compair")


def test_errors_are_all_of_one_family():
    for name in PUBLIC:
        if name.endswith("Error"):
            assert issubclass(getattr(perjoule, name), PerjouleError)


def test_importing_loads_nothing_heavy():
    heavy = ("torch", "optuna", "pandas", "plotly", "skopt", "sklearn", "scipy")
    script = f"import sys, perjoule; print([n for n in {heavy} if n in sys.modules])"
    assert python("-c", script) == "[]"


def test_the_version_is_printed():
    assert python("-m", "perjoule", "--version") == perjoule.__version__
