"""Watching a comparison, a search or a study from outside: nothing is written, nothing runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from ..benchmarks.analysis.target import DEFAULT_TARGET
from ..errors import DataError, OutputError, PerjouleError
from ..files.bounded import STATISTICS, read_text
from ..plain import read_json
from .tables import analyse

if TYPE_CHECKING:
    from ..benchmarks.comparison.following import Follower
    from ..benchmarks.studies.following import StudyFollower


def follow(folder: str | Path, target: str | float | None = None) -> Follower | StudyFollower:
    """Follow a run folder, or a study's: each ``look()`` says how it stands.

    Args:
        folder: The folder, which another process may be writing to.
        target: The score to reach; that of its summary if not given, else 98 % of the best.

    Raises:
        OutputError: There is no comparison and no study in it, or it is damaged.
        ConfigurationError: The target is neither a score nor a share.
    """
    from ..benchmarks.comparison.folder import Folder
    from ..benchmarks.comparison.following import Follower
    from ..benchmarks.studies.folder import StudyFolder
    from ..benchmarks.studies.following import StudyFollower

    path = Path(folder)
    wanted = target if target is not None else stated_target(path)
    if StudyFolder(path).is_there:
        return StudyFollower(path, wanted)
    if path.exists() and not path.is_dir():
        raise OutputError(f"{path} is no folder: name the one that `perjoule compare` writes to")
    if not path.exists():
        raise OutputError(
            f"{path}: there is no such folder; a comparison makes it once its workers have started"
        )
    if (path / "trials.parquet").is_file() and not Folder(path).was_begun:
        raise OutputError(f"{path} holds a recorded table, and nothing that can be watched")
    return Follower(path, wanted)


def verdict(folder: str | Path, target: str | float | None = None) -> str:
    """The finding of a comparison or a study that is over, in a sentence; nothing is written.

    Raises:
        PerjouleError: It cannot be read, or no trial has ended.
    """
    from ..benchmarks.comparison.loading import load_table
    from ..benchmarks.studies.folder import StudyFolder

    path = Path(folder)
    if StudyFolder(path).is_there:
        return _study_headline(path)
    wanted = target if target is not None else stated_target(path)
    return analyse(load_table(path), wanted).headline


def stated_target(folder: Path) -> str | float:
    """The target that a folder's summary was made for; the usual one where there is none."""
    try:
        asked = json.loads(read_text(folder / "summary.json", STATISTICS))["analysis"]["target"]
    except (OSError, ValueError, DataError, KeyError, TypeError):
        return DEFAULT_TARGET
    return asked if isinstance(asked, str) else DEFAULT_TARGET


def _study_headline(folder: Path) -> str:
    from ..benchmarks.studies.facts import Findings
    from ..benchmarks.studies.folder import StudyFolder
    from ..benchmarks.studies.registry import STUDIES, find_study
    from ..benchmarks.studies.wording import headline

    name = StudyFolder(folder).record().study
    paper = find_study(name).paper if name in STUDIES else "its paper"
    try:
        findings = Findings.from_dict(read_json(read_text(folder / "findings.json", STATISTICS)))
    except (OSError, ValueError, PerjouleError) as error:
        raise OutputError(
            f"{folder} has no findings: make them by perjoule report {folder}"
        ) from error
    return headline(findings.claims, paper)
