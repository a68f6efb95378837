"""What people see of studies on stdout: which there are, and claims beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from ..benchmarks.studies.wording import because, headline, in_words, verdict_of
from .progress import open_console

if TYPE_CHECKING:
    from ..api import StudyResult
    from ..benchmarks.studies.design import Study


def print_studies(studies: Sequence[Study]) -> None:
    """Print which studies there are: question, paper and cost."""
    table = Table(
        "study", "question", "paper", "--quick", "in full", box=None, padding=(0, 2, 0, 0)
    )
    for each in studies:
        table.add_row(each.name, each.question, each.paper, each.quick_cost, each.full_cost)
    console = open_console()
    console.print(table)
    console.print("Run one: perjoule study NAME --quick; all of them: perjoule study all --quick")


def print_study(result: StudyResult) -> None:
    """Print each claim beside the paper's, and where the report is."""
    console, claims = open_console(), result.findings.claims
    table = Table("what the paper found", "paper", "here", "verdict")
    for claim in claims:
        verdict = f"{verdict_of(claim)}, because {claim.why}"
        table.add_row(claim.statement, in_words(claim.paper), in_words(claim.ours), verdict)
    console.print(table)
    console.print(headline(claims, result.study.paper), style="bold")
    if reasons := because(claims):
        console.print(reasons)
    for note in (*result.findings.notes, *result.table.notes):
        console.print(f"- {note}")
    console.print(f"Report: {result.report}")
