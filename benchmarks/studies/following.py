"""Following a study from outside: the folders of its parts, which are only ever read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ..comparison.folder import Folder
from ..comparison.following import Follower, Phase, Watched
from ..tables.facts import Fact
from .folder import StudyFolder
from .outlook import Outlook
from .running import is_begun


@dataclass(frozen=True)
class WatchedStudy(Fact):
    """The folder of a study at one moment."""

    folder: str
    study: str
    phase: Phase
    heard_s: float | None  # seconds since a part was last heard of; None before the first
    n_parts: int | None  # None where the study does not tell
    done: float | None  # share of the whole; None if unknown
    left_s: float | None  # seconds that are left; None before that is known
    parts: dict[str, Watched]  # those that were begun, in their order

    @property
    def command(self) -> str:
        """The command that goes on with it."""
        return f"study {self.study}"

    @property
    def is_alive(self) -> bool:
        """Whether a process works in it."""
        return self.phase in (Phase.STARTING, Phase.RUNNING)

    @property
    def present(self) -> tuple[str, Watched] | None:
        """The part at hand, or the last one; None before the first."""
        names = [*self.parts]
        going = [name for name in names if self.parts[name].phase is not Phase.OVER]
        name = next(iter(going or names[-1:]), None)
        return None if name is None else (name, self.parts[name])


class StudyFollower:
    """Reads the folder of a study as its parts grow; nothing is written, and nothing of it runs.

    Args:
        path: The folder.
        target: The score to reach.

    Raises:
        OutputError: The folder holds no study, or a damaged one.
    """

    def __init__(self, path: Path, target: str | float) -> None:
        self.path, self._target = path, target
        self._folder = StudyFolder(path)
        self._record = self._folder.record()
        self._parts: dict[str, Follower] = {}
        foreseen = self._record.parts
        self._outlook = Outlook([*foreseen.values()]) if foreseen else None
        self._number = -1

    def look(self) -> WatchedStudy:
        """How it stands now.

        Raises:
            OutputError: A ledger is damaged, or was taken away.
        """
        alive = Folder(self.path).is_in_use
        for name in self._names():
            if name not in self._parts and is_begun(part := self._folder.part(name)):
                self._parts[name] = Follower(part.path, self._target)
        parts = {name: each.look() for name, each in self._parts.items()}
        planned = len(self._record.parts) or None
        ended = [each.phase is Phase.OVER for each in parts.values()]
        over = bool(ended) and all(ended) and len(ended) == (planned or len(ended))
        phase = Phase.RUNNING if alive else Phase.OVER if over else Phase.STOPPED
        found = {each.phase for each in parts.values()}
        if phase is Phase.STOPPED:
            phase = next((bad for bad in (Phase.DIED, Phase.FAILED) if bad in found), phase)
        done, left_s = (1.0, 0.0) if over else self._end(parts)
        heard_s = min((each.heard_s for each in parts.values()), default=None)
        return WatchedStudy(
            folder=str(self.path),
            study=self._record.study,
            phase=phase,
            heard_s=heard_s,
            n_parts=planned,
            done=done,
            left_s=left_s if alive else None,
            parts=parts,
        )

    @property
    def followers(self) -> dict[str, Follower]:
        """Who follows each part that was begun."""
        return self._parts

    def _names(self) -> list[str]:
        if self._record.parts:
            return [*self._record.parts]
        folders = [path for path in (self.path / "parts").glob("*") if path.is_dir()]
        return [path.name for path in sorted(folders, key=lambda path: path.stat().st_ctime)]

    def _end(self, parts: dict[str, Watched]) -> tuple[float | None, float | None]:
        if self._outlook is None or not parts:
            return None, None
        number = len(parts) - 1
        if number != self._number:
            self._outlook.begin(number)
            self._number = number
        [*_, last] = parts.values()
        if last.state is not None and last.state.done is not None:
            self._outlook.take(time.time(), last.state.done)
        return self._outlook.done, self._outlook.left_s
