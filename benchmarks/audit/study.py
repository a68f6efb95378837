"""The audit of a study: all checks on all that lies in its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ... import notebooks
from ..tables.facts import Fact
from ..tables.loading import Stated
from ..tables.mapping import ColumnMapping
from . import energies, measurements, patterns, powers, totals, traces, trials
from .catalogue import CHECKS, Evidence, Finding, Lacking
from .inputs import (
    OTHER,
    RUN_FOLDER,
    TRACE,
    TRACKER,
    TRIALS,
    Input,
    Reader,
    Subject,
    join_single_rows,
)

SCHEMA = 1
_Check = Callable[[Subject], Evidence]
_MEASUREMENTS: dict[str, _Check] = {
    "negative-component": measurements.negative_component,
    "zero-component": measurements.zero_component,
    "impossible-power": powers.impossible_power,
    "constant-power": measurements.constant_power,
}
_TABLES: dict[str, _Check] = {
    "power-times-duration": measurements.power_times_duration,
    "energy-as-power": measurements.energy_as_power,
    "truncated-watts": measurements.truncated_sums,
    "means-as-maxima": patterns.means_as_maxima,
}
_TRIALS: dict[str, _Check] = {
    "cumulative-energies": energies.cumulative_energies,
    "constant-energies": energies.constant_energies,
    "unit-slip": energies.unit_slip,
    "short-windows": trials.short_windows,
    "test-selection": trials.test_selection,
    "dead-hyperparameter": patterns.dead_hyperparameter,
    "few-repetitions": trials.few_repetitions,
    "order-effects": patterns.order_effects,
    "unequal-energy": trials.unequal_energy,
    "mixed-kinds": trials.mixed_kinds,
}
CHECKS_OF: dict[str, dict[str, _Check]] = {  # which checks look at what kind of input
    TRACKER: {
        "cumulative-rows": trials.cumulative_rows,
        "contradicting-total": totals.of_tracker,
        **_MEASUREMENTS,
        "short-windows": trials.short_rows,
        "mixed-kinds": trials.mixed_kinds,
    },
    TRACE: {
        "mixed-devices": traces.mixed_devices,
        "truncated-watts": traces.truncated_watts,
        **_MEASUREMENTS,
        "trace-gaps": traces.trace_gaps,
        "short-windows": traces.short_trace,
    },
    TRIALS: {"contradicting-total": totals.of_trials, **_MEASUREMENTS, **_TABLES, **_TRIALS},
    OTHER: {**_MEASUREMENTS, **_TABLES, **_TRIALS},
    RUN_FOLDER: {**_MEASUREMENTS, **_TRIALS},
}


@dataclass(frozen=True)
class Checked(Fact):
    """Which checks looked at an input."""

    path: str
    ran: tuple[str, ...]  # ids of the checks that did
    lacking: dict[str, str]  # ids of those that could not, and what was missing
    searched: tuple[str, ...] = ()  # what was taken for hyperparameters
    left_out: str = ""  # what was not, and why, in a sentence


@dataclass(frozen=True)
class Audit:
    """What an audit found."""

    findings: tuple[Finding, ...]  # by check
    inputs: tuple[Input, ...]  # also those that were skipped
    checked: tuple[Checked, ...]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain data, with a description of each check that found something."""
        return {
            "schema": SCHEMA,
            "findings": [finding.to_dict() for finding in self.findings],
            "checks": {
                id: {"title": check.title, "why": check.why, "source": check.source}
                for id, check in CHECKS.items()
                if any(finding.check == id for finding in self.findings)
            },
            "inputs": [each.to_dict() for each in self.inputs],
            "checked": [each.to_dict() for each in self.checked],
        }

    def _repr_html_(self) -> str:
        """What a notebook shows: a row per finding, and what was looked at."""
        rows = ((f.severity, f.check, f.where, f.evidence, f.remedy) for f in self.findings)
        looked_at = sum(each.kind is not None for each in self.inputs)
        return (
            notebooks.headed(f"{len(self.findings)} findings in {looked_at} inputs")
            + notebooks.table(("severity", "check", "where", "evidence", "remedy"), rows)
            + notebooks.sentences(each.reason for each in self.inputs if each.reason)
        )


def audit(
    paths: str | Path | Sequence[str | Path],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
    params: str | Sequence[str] = (),
    metric: Stated | None = None,
    strict: bool = False,
) -> Audit:
    """Check energy studies for the faults that were found in published ones.

        found = perjoule.audit("emissions.csv")
        for finding in found.findings:
            print(finding.where, finding.evidence)

    Args:
        paths: CodeCarbon's ``emissions.csv``, power traces, trial tables, other tables of energies
            whose columns have units, run folders; or folders of them, searched at any depth.
        by: Columns that group the trials of a table, as in `load_table`.
        mapping: What the columns of trial tables are made of, as in `load_table`.
        params: The hyperparameters of trial tables, as in `load_table`.
        metric: What the score of trial tables is, as in `load_table`.
        strict: Whether files with any damaged row are refused, as in `load_table`.

    Raises:
        DataError: What was named is not there or holds no energy data. What lies in a folder and
            holds none is skipped, and listed with the reason.
    """
    ColumnMapping.parse(mapping)  # a wrong one is an error before any file is read
    inputs: list[Input] = []
    findings: list[Finding] = []
    checked: list[Checked] = []

    def run(checks: dict[str, _Check], subject: Subject) -> None:
        ran, lacking = [], {}
        for name, check in checks.items():
            try:
                with np.errstate(all="ignore"):  # of figures nobody can mean
                    findings.extend(CHECKS[name].found(check(subject), str(subject.path)))
                ran.append(name)
            except Lacking as reason:
                lacking[name] = str(reason)
        varied, left_out = (), ""
        if subject.table is not None:
            told, trials = subject.table.dimensions, subject.table.trials
            varied = tuple(
                n for n in told.searched if told.stated or trials[f"p.{n}"].nunique() > 1
            )
            left_out = told.describe_left_out()
        checked.append(Checked(str(subject.path), tuple(ran), lacking, varied, left_out))

    subjects: list[Subject] = []
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        read: list[Subject] = []
        for each in Reader(by, mapping, metric, params, strict).find(path):
            if isinstance(each, Input):
                inputs.append(each)
                continue
            read.append(each)
            inputs.append(Input(str(each.path), each.kind, len(each.frame), each.unread))
            run(CHECKS_OF[each.kind], each)
        together = join_single_rows(read)
        if together is not None:
            run({"constant-power": measurements.constant_power}, together)
        subjects += read
    findings += CHECKS["truncated-watts"].found(traces.truncated_energies(subjects))
    order = list(CHECKS)
    found = sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.check))
    return Audit(tuple(found), tuple(inputs), tuple(checked))
