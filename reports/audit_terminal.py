"""What people see in a terminal of an audit."""

from __future__ import annotations

import os
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from .progress.console import open_console

if TYPE_CHECKING:
    from ..benchmarks.audit import Audit

MOST_SKIPPED = 4
"""Files that are named if they were skipped; of more, only how many."""


def print_audit(found: Audit) -> None:
    """What was looked at, and each finding with its evidence and its remedy, a check at a time."""
    from ..benchmarks.audit import CHECKS

    console = open_console()
    folder = _common_folder([each.path for each in found.inputs])
    kinds = Counter(each.kind for each in found.inputs if each.kind)
    read = ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
    console.print(f"{folder or 'Read'}: {read or 'nothing was read'}.".replace(f"{os.sep}:", ":"))
    for each in found.inputs:
        if each.kind and each.reason:
            console.print(f"- {each.reason}".replace(folder, ""))
    skipped = [each for each in found.inputs if not each.kind]
    for each in skipped[:MOST_SKIPPED]:
        console.print(f"- skipped {each.reason}".replace(folder, ""))
    if len(skipped) > MOST_SKIPPED:
        console.print(
            f"- … and {len(skipped) - MOST_SKIPPED} files more, which hold no energy data"
        )
    for check, findings in groupby(found.findings, key=lambda finding: finding.check):
        console.print()
        console.print(f"{CHECKS[check].title} ({check})", style="bold")
        for finding in findings:
            console.print(f"- {finding.where}: {finding.evidence}".replace(folder, ""))
        console.print(f"  To mend it: {CHECKS[check].remedy}")
    ran = {name for each in found.checked for name in each.ran}
    console.print()
    console.print(
        f"{len(found.findings)} finding{'s' * (len(found.findings) != 1)}; {len(ran)} of "
        f"{len(CHECKS)} checks could be made."
    )
    for each in found.checked:
        if each.searched or each.left_out:
            names = ", ".join(each.searched) or "none"
            text = f"- {each.path}: hyperparameters: {names}. {each.left_out}".strip()
            console.print(text.replace(folder, ""))
    lacking = {name: why for each in found.checked for name, why in each.lacking.items()}
    for why in dict.fromkeys(lacking.values()):
        if names := [name for name, each in lacking.items() if each == why and name not in ran]:
            console.print(f"- {', '.join(names)} could not: {why}")


def _common_folder(paths: list[str]) -> str:
    """The folder that holds all paths, with its separator; empty for a single one."""
    if len(paths) < 2:
        return ""
    return f"{os.path.commonpath(paths)}{os.sep}"
