"""What people see of studies on stdout: which there are, and claims beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ..benchmarks.studies.wording import (
    UNKNOWN,
    headline,
    interval_of,
    reason_of,
    value_of,
    verdict_of,
)
from .progress.console import open_console

if TYPE_CHECKING:
    from ..api import Studies, StudyResult
    from ..benchmarks.studies.design import Study
    from ..benchmarks.studies.facts import Quantity

_STYLES = {True: "bold green", False: "bold yellow", None: "bold"}


def print_studies(studies: Sequence[Study]) -> None:
    """Print which studies there are: question, paper and cost."""
    table = Table(box=None, padding=(0, 2, 1, 0))
    table.add_column("study", no_wrap=True)
    table.add_column("question and paper", ratio=1)
    table.add_column("--quick", min_width=10)
    table.add_column("in full", min_width=10)
    for each in studies:
        about = Text(f"{each.question}\n").append(each.paper, style="dim")
        table.add_row(Text(each.name, style="bold"), about, each.quick_cost, each.full_cost)
    console = open_console()
    console.print(table)
    console.print("Run one: perjoule study NAME --quick; all of them: perjoule study all --quick")


def print_study(result: StudyResult) -> None:
    """Print each claim beside the paper's, with its reason, and where the report is."""
    console, claims = open_console(), result.findings.claims
    table = Table(box=SIMPLE_HEAD, padding=(0, 2, 1, 0), pad_edge=False)
    table.add_column("what the paper found", ratio=1, overflow="fold")
    table.add_column("paper", justify="right", max_width=12)
    table.add_column("here", justify="right", max_width=14)
    table.add_column("verdict", max_width=13)
    for claim in claims:
        statement, reason = Text(claim.statement), reason_of(claim).removeprefix(", ")
        if reason:
            statement.append(f"\n{reason}.", style="dim")
        verdict = Text(verdict_of(claim), style=_STYLES[claim.holds])
        table.add_row(statement, _told(claim.paper), _told(claim.ours), verdict)
    if claims:
        console.print(table)
    console.print(headline(claims, result.study.paper), style="bold")
    if result.interrupted:
        console.print("Some trials are still to come: all of this is of those so far.")
    for note in (*result.findings.notes, *result.table.notes):
        console.print(f"- {note}")
    console.print(f"Report: {result.report}")


def print_all(found: Studies) -> None:
    """Print what each study found in a sentence, and where the page is that links their reports."""
    console = open_console()
    for name, told in found.results.items():
        if isinstance(told, str):
            line = f"could not be run: {told}"
        else:
            line = headline(told.findings.claims, told.study.paper)
        console.print(Text(f"{name}: ", style="bold").append(line, style="not bold"))
    console.print(f"Index of all reports: {found.index}")


def _told(quantity: Quantity | None) -> Text:
    """A value, with its interval and its note beneath."""
    if quantity is None:
        return Text(UNKNOWN)
    beneath = filter(None, [interval_of(quantity), quantity.note])
    return Text(value_of(quantity), style="bold").append(
        "".join(f"\n{each}" for each in beneath), style="not bold"
    )
