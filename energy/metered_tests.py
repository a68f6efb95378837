"""What `pytest_plugin` does when it is asked to: meter tests, hold them to budgets, list them.

Each phase of a test (setup, call, teardown) is a window of its own. Its joules travel on the
phase's report, so those of xdist's workers come to the process that prints them.
"""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ..errors import PerjouleError
from ..files.writing import write_whole
from .meter import EnergyMeter
from .quantities import format_energy, format_percent, parse_energy, total
from .reading import Reading, merge_warnings

CALL = "call"
Joules = dict[str, float]  # by kind


@dataclass(frozen=True)
class PhaseEnergy:
    """What a phase of a test used, as it travels between processes.

    Attributes:
        energy_j: Joules; None if they are not known.
        error_j: How far off they may be; None if that is not known.
        kind: Of the joules.
        totals_j: The joules by kind.
        warnings: What is to be known of them.
    """

    energy_j: float | None
    error_j: float | None
    kind: str
    totals_j: Joules
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(cls, reading: Reading) -> PhaseEnergy:
        """That of a reading."""
        billed = [part for part in reading.components if part.source in reading.billed]
        by_kind = {str(kind): joules for kind, joules in reading.totals_j.items()}
        error_j = total(part.error_j for part in billed)
        return cls(reading.total_j, error_j, reading.kind, by_kind, reading.warnings)

    def __str__(self) -> str:
        """The joules for people."""
        if self.energy_j is None:
            return f"n/a ({'; '.join(self.warnings) or 'no source'})"
        off = ""
        if self.error_j is not None and self.energy_j:
            off = f" ± {format_percent(self.error_j / self.energy_j, 0)}"
        return f"{format_energy(self.energy_j)}{off} {self.kind}"


class MeteredTests:
    """Meters the tests of a pytest process, and in the one that prints, lists all of them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._is_worker = hasattr(config, "workerinput")  # of xdist
        self._tests: dict[str, dict[str, PhaseEnergy]] = {}  # by phase
        self._written = ""  # what became of the file
        self._used: pytest.StashKey[dict[str, PhaseEnergy]] = pytest.StashKey()
        workers = config.getoption("numprocesses", None)  # of xdist; in a worker it is told apart
        workers = int(workers or getattr(config, "workerinput", {}).get("workercount", 1))
        file = config.getoption("joules_json")
        self._file = None if file is None or self._is_worker else Path(file).absolute()
        budget = config.getoption("joules_budget")
        try:
            self._budget_j = None if budget is None else parse_energy(budget)
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                self._make = partial(EnergyMeter, config.option.joules_meter, shared=workers > 1)
                self._meter, self._home = self._make(), os.getpid()
        except PerjouleError as error:
            raise pytest.UsageError(f"--joules: {error}") from error
        self._said = [str(each.message) for each in said]
        if self._file is not None and not self._file.parent.is_dir():
            raise pytest.UsageError(f"--joules-json: {self._file.parent} is no folder: make it")
        if self._file is not None and self._file.is_dir():
            raise pytest.UsageError(f"--joules-json: {self._file} is a folder: name a file")

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Meter the setup."""
        return (yield from self._metered(item, "setup"))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Meter the teardown."""
        return (yield from self._metered(item, "teardown"))

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Meter the test, and fail it above its budget."""
        budget_j = self._budget_of(item)
        result = yield from self._metered(item, CALL)
        used = item.stash[self._used][CALL]
        if budget_j is not None and not (used.energy_j is not None and used.energy_j <= budget_j):
            said = "are not known, so they cannot be held to" if used.energy_j is None else "exceed"
            budget = format_energy(budget_j)
            pytest.fail(f"the joules of this test, {used}, {said} its budget of {budget}", False)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        """Send the joules of a phase along with its report."""
        report = yield
        used = item.stash.get(self._used, {}).get(call.when)
        report.joules = None if used is None else asdict(used)
        return report

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take note of what a report of this process or of a worker brings."""
        if not (used := getattr(report, "joules", None)):
            return
        name, run = report.nodeid, 1
        while report.when in self._tests.get(name, {}):  # it is run again, or by each worker
            run += 1
            name = f"{report.nodeid} (run {run})"
        self._tests.setdefault(name, {})[report.when] = PhaseEnergy(**used)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file."""
        if self._file is None:
            return
        text = json.dumps(self._to_dict(), indent=2) + "\n"
        try:
            write_whole(self._file, lambda path: path.write_text(text, encoding="utf-8"))
            self._written = f"joules written to {self._file}"
        except PerjouleError as error:
            self._written = f"error: --joules-json: {error}"
            session.exitstatus = pytest.ExitCode.USAGE_ERROR

    def pytest_unconfigure(self) -> None:
        """Let go of the meter."""
        self._meter.close()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """List the tests that used most, and the sums by kind."""
        calls = {name: used[CALL] for name, used in self._tests.items() if CALL in used}
        by_joules = sorted(calls.items(), key=lambda each: _order(each[1]), reverse=True)
        write = terminalreporter.write_line
        terminalreporter.section("joules of tests, without setup and teardown")
        for name, used in by_joules[: self._config.getoption("joules_top")]:
            write(f"{name}: {used}")
        around = [
            u for phases in self._tests.values() for when, u in phases.items() if when != CALL
        ]
        write(f"all {len(calls)} tests: {_sum(calls.values())}")
        write(f"setup and teardown: {_sum(around)}")
        phases = [used for test in self._tests.values() for used in test.values()]
        for warning in merge_warnings(self._said, *(used.warnings for used in phases)):
            write(f"- {warning}")
        if self._written:
            write(self._written)

    def _metered(self, item: pytest.Item, phase: str) -> Generator[None, Any, Any]:
        if self._home != os.getpid():  # a plugin runs each test in a fork of this process
            self._meter, self._home = self._make(), os.getpid()
        window = self._meter.window()
        try:
            return (yield)
        finally:
            used = item.stash.setdefault(self._used, {})
            used[phase] = PhaseEnergy.of(window.close())

    def _budget_of(self, item: pytest.Item) -> float | None:
        """The budget that the nearest marker gives, or that of the command line."""
        marker = item.get_closest_marker("joules")
        if marker is None:
            return self._budget_j
        given = [*marker.args, *marker.kwargs.values()]
        fault = 'give it one budget, such as budget="2 J"'
        if len(given) == 1 and marker.kwargs.keys() <= {"budget"}:
            try:
                return parse_energy(given[0])
            except PerjouleError as error:
                fault = str(error)
        pytest.fail(f"@pytest.mark.joules: {fault}", pytrace=False)

    def _to_dict(self) -> dict[str, Any]:
        phases = [used for test in self._tests.values() for used in test.values()]
        return {
            "tests": {
                name: {when: asdict(used) for when, used in test.items()}
                for name, test in self._tests.items()
            },
            "totals_j": _by_kind(phases),
            "unknown": sum(used.energy_j is None for used in phases),
        }


def _order(used: PhaseEnergy) -> float:
    """By what tests are listed: the unknown ones first."""
    return float("inf") if used.energy_j is None else used.energy_j


def _by_kind(phases: Iterable[PhaseEnergy]) -> Joules:
    """Known joules, each kind apart."""
    sums: Counter[str] = Counter()
    for used in phases:
        if used.energy_j is not None:
            sums.update(used.totals_j)
    return dict(sums)


def _sum(phases: Iterable[PhaseEnergy]) -> str:
    """The sum for people: each kind apart, and how many are not in it."""
    known = list(phases)
    unknown = sum(used.energy_j is None for used in known)
    sums = [f"{format_energy(joules)} {kind}" for kind, joules in _by_kind(known).items()]
    return " + ".join(sums or ["n/a"]) + (f", {unknown} not known" if unknown else "")
