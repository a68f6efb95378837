"""What all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# One thread, as a worker of a comparison has: sums add up in one order, cores are shared. Numeric
# libraries read it when they are loaded, which no test module has done yet.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

# A busy machine is no fault of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True, scope="session")
def uncalibrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No calibration of whoever runs the tests, and no secret."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERJOULE_HOME", str(tmp_path_factory.getbasetemp() / "uncalibrated"))
        yield


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Published measurements of others, which do not belong to the project."""
    path = Path(__file__).parents[1].parent / "shared" / "recorded"
    if not path.is_dir():
        pytest.skip(f"no recorded measurements in {path}")
    return path


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what campaigns counted; workers of a run know it, so it comes with their reports."""
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, counts in getattr(report, "user_properties", []):
                if name.startswith("campaign "):
                    told = ", ".join(
                        f"{count} {what.replace('_', ' ')}" for what, count in counts.items()
                    )
                    terminalreporter.write_line(f"{name}: {told}")
