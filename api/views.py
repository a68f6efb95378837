"""What a notebook shows of results on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import notebooks

if TYPE_CHECKING:
    from .comparing import Result
    from .studies import StudyResult


def result_html(result: Result) -> str:
    """The verdict, a row for each strategy, and where the report is."""
    from ..benchmarks.analysis.analysing import strategies_html

    analysis = result.analysis
    return (
        notebooks.headed(analysis.headline, f" {analysis.because}")
        + "".join(map(strategies_html, analysis.groups))
        + notebooks.sentences(analysis.caveats)
        + notebooks.link(result.report, "report")
    )


def study_html(result: StudyResult) -> str:
    """Each claim beside the paper's, and where the report is."""
    from ..benchmarks.studies.wording import headline, in_words, verdict_of

    claims = result.findings.claims
    rows = [
        (each.statement, in_words(each.paper), in_words(each.ours), verdict_of(each))
        for each in claims
    ]
    return (
        notebooks.headed(headline(claims, result.study.paper or "the paper"))
        + notebooks.table(("what the paper found", "paper", "here", "verdict"), rows)
        + notebooks.sentences(result.findings.notes)
        + notebooks.link(result.report, "report")
    )
