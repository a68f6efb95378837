"""The page that leads to the reports of several studies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from ..benchmarks.studies.wording import FAILS, HOLDS
from ..benchmarks.tables.table import counted
from ..files.writing import write_whole
from ..version import __version__
from .rendering import render_page
from .study_content import safe_link


@dataclass(frozen=True)
class Entry:
    """What the page says of a study."""

    name: str
    question: str
    paper: str
    paper_link: str = ""  # an address of the web, or a DOI
    report: str = ""  # the path of its report, relative to the page; empty if there is none
    headline: str = ""
    holds: int = 0  # findings that hold here
    told: int = 0  # findings of which something can be said
    energy_j: float | None = None
    energy_kind: str = ""
    duration_s: float | None = None
    status: Literal["complete", "interrupted", "failed"] = "complete"
    problem: str = ""  # why it could not be run

    @property
    def address(self) -> str:
        """The path of its report as a link; empty where it would lead off the disk."""
        parts = urlsplit(self.report)
        if parts.scheme or parts.netloc or self.report.startswith(("/", "\\")):
            return ""
        return quote(self.report)

    @property
    def safe_paper_link(self) -> str:
        """The address of its paper, if it is one that may be followed."""
        return safe_link(self.paper_link)

    @property
    def badge(self) -> tuple[str, str]:
        """How it went: the kind of badge, and its words."""
        if self.status != "complete":
            return "wait", "could not be run" if self.status == "failed" else self.status
        if not self.told:
            return "open", "nothing told yet"
        failed = self.told - self.holds
        parts = [f"{self.holds} hold{'s' * (self.holds == 1)}"] * bool(self.holds)
        parts += [f"{failed} do{'es' * (failed == 1)} not"] * bool(failed)
        return "wait" if failed else "yes", ", ".join(parts)


def write_index(path: str | Path, entries: Sequence[Entry]) -> None:
    """Write a page with a card for each study, whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    page = render_page(
        "studies.html.j2",
        figures=False,
        entries=entries,
        perjoule=__version__,
        verdict=_verdict(entries),
    )
    write_whole(Path(path), lambda part: part.write_text(page, encoding="utf-8"))


def _verdict(entries: Sequence[Entry]) -> str:
    """How many findings of all studies hold here, in a sentence."""
    told, held = (sum(getattr(each, name) for each in entries) for name in ("told", "holds"))
    ran, n = sum(each.status != "failed" for each in entries), len(entries)
    studies = f"{ran} of {n} studies" if ran < n else counted(n, "study")
    if not told:
        return f"Nothing can be said yet of the findings of {studies}."
    if told == 1:
        return f"The finding that {studies} could check {HOLDS if held else FAILS}."
    return f"{held or 'None'} of {told} findings, from {studies}, hold{'s' * (held < 2)} here."
