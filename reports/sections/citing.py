"""What can be put into a paper, a model card or a form."""

from __future__ import annotations

from typing import NamedTuple

from .section import Section
from .whole import Whole


class Text(NamedTuple):
    """A text to copy."""

    name: str  # its identifier on the page
    title: str
    text: str
    file: str = ""  # what it is called as a file


def citing_section(whole: Whole) -> Section | None:
    """Show the verdict to copy; None where nothing is compared."""
    texts = [*_verdict(whole)]
    if not texts:
        return None
    return Section(
        "report-this",
        "Report this",
        "Ready to copy. Kinds of energy and their uncertainty stand in each text that has room.",
        template="citing",
        content={"texts": texts},
    )


def _verdict(whole: Whole) -> list[Text]:
    analysis = whole.analysis
    if not whole.searched:
        return []
    return [Text("verdict-text", "The verdict", f"{analysis.headline} {analysis.because}".strip())]
