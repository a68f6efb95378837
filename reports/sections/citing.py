"""What can be put into a paper, a model card or a form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import PerjouleError
from ..exports.given import Given
from ..exports.registry import FORMS, disclose
from .section import Section
from .whole import Whole

_FILES = {
    "latex": ("LaTeX", "results.tex"),
    "markdown": ("Markdown", "results.md"),
    "bibtex": ("BibTeX", "references.bib"),
    "hf": ("Hugging Face", "co2_eq_emissions.md"),
    "sci": ("SCI", "sci.json"),
    "boamps": ("BoAmps", "boamps.json"),
    "eu": ("EU", "energy.txt"),
}
"""The formats that the page shows: what each is called in a heading, and as a file.

One with a row per trial is left to the command line.
"""


@dataclass(frozen=True)
class Text:
    """A text to copy.

    Attributes:
        name: Its identifier on the page.
        title: What it is.
        text: It.
        file: What it is called as a file; empty if it is none.
        notes: What it has no room for, and what was left out.
    """

    name: str
    title: str
    text: str
    file: str = ""
    notes: Sequence[str] = ()


def citing_section(whole: Whole) -> Section | None:
    """Show the verdict to copy, then the table and what it cost in the formats of others.

    None where a study planned what was trained: its findings stand first on the page.
    """
    if not whole.searched:
        return None
    analysis = whole.analysis
    verdict = f"{analysis.headline} {analysis.because}".strip()
    texts, missing = [Text("verdict-text", "The verdict", verdict)], {}
    for form, (name, file) in _FILES.items():
        try:
            found = disclose(whole.table, analysis, form, Given())
        except PerjouleError as error:
            missing[name] = str(error)
        else:
            title = f"{name}: {FORMS[form].summary}"
            texts.append(Text(f"export-{form}", title, found.text, file, found.notes))
    return Section(
        "report-this",
        "Report this",
        "Ready to copy. Each text says of which kind its joules are and how far off they may be, "
        "as far as its format has room.",
        template="citing",
        content={"texts": texts, "missing": missing},
    )
