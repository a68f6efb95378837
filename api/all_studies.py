"""All studies of the field one by one, and the page that links their reports."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmarks.comparison.signals import working_in
from ..errors import PerjouleError
from .studies import RUNS, StudyResult, study

if TYPE_CHECKING:
    from ..reports.study_index import Entry


@dataclass(frozen=True)
class Studies:
    """All studies on disk.

    Attributes:
        folder: The folder that has a folder for each.
        results: What each of them found; of one that could not be run, why.
    """

    folder: Path
    results: dict[str, StudyResult | str]

    @property
    def index(self) -> Path:
        """The page that links all reports."""
        return self.folder / "index.html"

    @property
    def interrupted(self) -> bool:
        """Whether one of them was stopped."""
        return any(not isinstance(each, str) and each.interrupted for each in self.results.values())


def study_all(
    *, quick: bool = False, yes: bool = False, out: str | Path | None = None, **more: Any
) -> Studies:
    """Run all studies one by one, and write a page that links their reports.

    One that cannot be run, such as for want of its data, keeps none of the others back.

    Args:
        quick: As for `study`, as all others are.
        yes: As there, for each of them.
        out: A folder for all; those that were begun in it are gone on with.
        **more: The executor, the progress and the options of `study`.
    """
    from ..benchmarks.studies.folder import StudyFolder
    from ..benchmarks.studies.registry import STUDIES
    from ..reports.study_index import write_index

    stamp = time.strftime("%Y%m%d-%H%M%S")
    place = Path(out or RUNS / f"studies{'-quick' if quick else ''}-{stamp}").absolute()
    working_in(place)
    found: dict[str, StudyResult | str] = {}
    with StudyFolder(place).locked():
        for name in STUDIES:
            folder = place / name
            try:
                begun = StudyFolder(folder).is_there
                found[name] = study(name, quick=quick, yes=yes, out=folder, resume=begun, **more)
            except PerjouleError as error:
                found[name] = str(error)
                if (progress := more.get("progress")) is not None:
                    progress.note(f"{name}: {error}")
            all_so_far = Studies(place, found)
            write_index(all_so_far.index, [_entry(each, told) for each, told in found.items()])
            if all_so_far.interrupted:
                break
    return Studies(place, found)


def _entry(name: str, told: StudyResult | str) -> Entry:
    """What the index says of a study."""
    from ..benchmarks.studies.registry import find_study
    from ..benchmarks.studies.wording import headline
    from ..reports.format import format_kinds
    from ..reports.study_index import Entry

    wanted = find_study(name)
    entry = Entry(name, wanted.question, wanted.paper, wanted.link)
    if isinstance(told, str):
        return replace(entry, status="failed", problem=told)
    claims, took = told.findings.claims, (told.table.description or {})["study"]["took"]
    return replace(
        entry,
        report=f"{name}/report.html",
        headline=headline(claims, wanted.paper),
        holds=sum(claim.holds is True for claim in claims),
        told=sum(claim.holds is not None for claim in claims),
        energy_j=took["energy_j"],
        energy_kind=format_kinds(told.table.trials["energy_kind"].dropna()),
        duration_s=took["duration_s"],
        status="interrupted" if told.interrupted else "complete",
    )
