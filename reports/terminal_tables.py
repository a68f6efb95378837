"""What people see of recorded data in a terminal: comparisons, audits, the progress of a replay."""

from __future__ import annotations

import math
import os
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from .format import format_energy, format_interval, format_percent, format_value
from .terminal import open_console

if TYPE_CHECKING:
    from ..benchmarks.analysis import Analysis
    from ..benchmarks.audit import Audit

MOST_SKIPPED = 4
"""Files that are named if they were skipped; of more, only how many."""
MOST_GROUPS = 12
"""Groups whose tables are printed; of more, only the counts."""


class ReplayProgress:
    """A bar of the runs that are done, on stderr; what is to be known of them above it."""

    def __init__(self) -> None:
        self._console = open_console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} runs", markup=False),
            BarColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> ReplayProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def note(self, sentence: str) -> None:
        """Print what is to be known of the replay."""
        self._console.print(f"- {sentence}")

    def update(self, done: int, total: int) -> None:
        """Show how many runs are done."""
        if self._task is None:
            self._task = self._bar.add_task("", total=total)
        self._bar.update(self._task, completed=done, total=total)


def print_analysis(analysis: Analysis) -> None:
    """A table per group, who wins by what, and whether the runs support it."""
    console, data = open_console(), analysis.to_dict()
    for group in data["groups"][:MOST_GROUPS]:
        console.print(_group(group))
        console.print(group["verdict"]["reason"], style="bold")
        for line in _winners(group):
            console.print(f"- {line}")
        console.print()
    if len(data["groups"]) > MOST_GROUPS:
        console.print(
            f"… and {len(data['groups']) - MOST_GROUPS} groups more; see --json or --html."
        )
    if len(data["groups"]) > 1:
        console.print(_counts(data["counts"]))
        for metric, ranks in data["ranks"].items():
            if ranks is not None:
                console.print(f"- {metric.replace('_', ' ')}: {_ranks(ranks)}")
    for note in data["notes"]:
        console.print(f"- {note}")


def _group(group: dict[str, Any]) -> Table:
    name = ", ".join(f"{key} {format_value(value)}" for key, value in group["by"].items())
    what = f"accuracy at shares of {format_energy(group['common_j'])}, which every run spent"
    table = Table(title=f"{name}: {what}" if name else what, title_justify="left")
    *early, last = group["winners"]["equal_energy"]
    for head in (
        "strategy",
        "runs",
        *(f"{float(share):.0%}" for share in (*early, last)),
        "interval",
        f"J to {format_percent(group['target_accuracy'])}",
        "anytime",
        "J per run",
        "energy",
    ):
        left = head in ("strategy", "energy")
        table.add_column(head, justify="left" if left else "right", no_wrap=left)
    for strategy, facts in sorted(group["strategies"].items(), key=_falling_accuracy):
        equal = facts["equal_energy"]
        table.add_row(
            strategy,
            format_value(facts["runs"]),
            *(format_percent((equal[share] or {}).get("median")) for share in (*early, last)),
            format_interval(equal[last], format_percent),
            _to_target(facts["energy_to_target"]),
            format_percent((facts["anytime"] or {}).get("median")),
            format_energy((facts["energy_j"] or {}).get("median")),
            facts["energy_kind"] or "not stated",
        )
    return table


def _falling_accuracy(entry: tuple[str, dict[str, Any]]) -> float:
    """The most accurate strategy at equal energy first."""
    *_, last = entry[1]["equal_energy"].values()
    return -(last or {}).get("median", -math.inf)


def _to_target(reached: dict[str, Any] | None) -> str:
    if reached is None:
        return "n/a"
    hits = f"({reached['hits']}/{reached['runs']})"
    return f"{format_energy(reached['ert_j'])} {hits}" if reached["hits"] else f"never {hits}"


def _winners(group: dict[str, Any]) -> list[str]:
    """A line per criterion that has a winner; equal ones are named beside it."""
    winners, ties = group["winners"], group["ties"]
    lines = [
        _winner(f"{float(share):.0%} of the energy", name, ties["equal_energy"][share])
        for share, name in winners["equal_energy"].items()
    ]
    target = format_percent(group["target_accuracy"])
    lines.append(
        _winner(f"joules to {target}", winners["energy_to_target"], ties["energy_to_target"])
    )
    lines.append(_winner("anytime", winners["anytime"], ties["anytime"]))
    return [line for line in lines if line]


def _winner(criterion: str, name: str | None, tied: list[str]) -> str:
    if name is None:
        return ""
    others = ", ".join(other for other in tied if other != name)
    return f"{criterion}: {name}{f' (equal to {others}, with fewer joules)' if others else ''}"


def _counts(counts: dict[str, Any]) -> Table:
    """How many groups each strategy wins."""
    columns = {
        **{
            f"{float(share):.0%} of the energy": won
            for share, won in counts["equal_energy"].items()
        },
        "joules to target": counts["energy_to_target"],
        "anytime": counts["anytime"],
    }
    table = Table(title="Groups won", title_justify="left")
    for head in ("strategy", *columns):
        table.add_column(head, justify="left" if head == "strategy" else "right")
    for name in dict.fromkeys(name for won in columns.values() for name in won):
        table.add_row(name, *(format_value(won.get(name, 0)) for won in columns.values()))
    return table


def _ranks(ranks: dict[str, Any]) -> str:
    means = ", ".join(f"{name} {rank:.2f}" for name, rank in ranks["strategies"].items())
    return f"mean ranks {means}. {ranks['reason']}"


def print_audit(found: Audit) -> None:
    """What was looked at, and each finding with its evidence and its remedy, a check at a time."""
    from ..benchmarks.audit import CHECKS

    console = open_console()
    folder = _common_folder([each.path for each in found.inputs])
    kinds = Counter(each.kind for each in found.inputs if each.kind)
    read = ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
    console.print(f"{folder or 'Read'}: {read or 'nothing was read'}.".replace(f"{os.sep}:", ":"))
    skipped = [each for each in found.inputs if not each.kind]
    for each in skipped[:MOST_SKIPPED]:
        console.print(f"- skipped {each.reason}".replace(folder, ""))
    if len(skipped) > MOST_SKIPPED:
        console.print(
            f"- … and {len(skipped) - MOST_SKIPPED} files more, which hold no energy data"
        )
    for check, findings in groupby(found.findings, key=lambda finding: finding.check):
        console.print(f"\n{CHECKS[check].title} ({check})", style="bold")
        for finding in findings:
            console.print(f"- {finding.where}: {finding.evidence}".replace(folder, ""))
        console.print(f"  To mend it: {CHECKS[check].remedy}")
    ran = {name for each in found.checked for name in each.ran}
    console.print(
        f"\n{len(found.findings)} finding{'s' * (len(found.findings) != 1)}; {len(ran)} of "
        f"{len(CHECKS)} checks could be made."
    )
    lacking = {name: why for each in found.checked for name, why in each.lacking.items()}
    for name, why in lacking.items():
        if name not in ran:
            console.print(f"- {name} could not: {why}")


def _common_folder(paths: list[str]) -> str:
    """The folder that holds all paths, with its separator; empty for a single one."""
    if len(paths) < 2:
        return ""
    return f"{os.path.commonpath(paths)}{os.sep}"
