"""The folder of a study, and what it says of itself.

study.yaml        what was asked for, the estimate, the idle power, the load before
load.jsonl        how busy others kept the machine while it ran
parts/NAME/       the run folder of each part: its ledger is the truth
added/NAME.parquet  tables of other machines that are analysed with it
trials.parquet …  the trial table, findings and report: derived from these
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ...errors import DataError, OutputError
from ...files.bounded import read_text
from ...files.damage import damaged
from ...files.writing import write_whole
from ...files.yaml_text import read_yaml, write_yaml
from ..comparison.folder import Folder
from ..tables.facts import Fact
from ..tables.table import Table
from .design import Options
from .estimating import Estimate

STUDY_FILE = "study.yaml"


@dataclass(frozen=True)
class Idle(Fact):
    """The power of one source while nothing was trained."""

    source: str
    component: str
    kind: str
    power_w: Annotated[float, Field(ge=0, le=1e9)] | None  # None if unavailable


@dataclass(frozen=True)
class StudyRecord(Fact):
    """What ``study.yaml`` says."""

    study: str
    options: Options
    created: str
    perjoule: str
    estimate: Estimate
    idle: tuple[Idle, ...]
    # Seconds over which the idle power was metered.
    idle_s: Annotated[float, Field(ge=0, le=1e9)]
    # Cores that others kept busy before it began.
    before_cores: Annotated[float, Field(ge=0, le=1e6)]
    schema: int = 1
    # Of each part, in the order of the design; earlier versions did not write them down.
    parts: Mapping[str, Estimate] = field(default_factory=dict)
    mark: str | None = None  # of the options, as `comparison.trust` makes it


@dataclass(frozen=True)
class StudyFolder:
    """The folder of a study, where it is or shall be."""

    path: Path

    @property
    def load(self) -> Path:
        """What the machine did beside."""
        return self.path / "load.jsonl"

    @property
    def is_there(self) -> bool:
        """Whether a study was begun here."""
        return (self.path / STUDY_FILE).exists()

    def part(self, name: str) -> Folder:
        """The run folder of a part."""
        return Folder(self.path / "parts" / name)

    @property
    def added(self) -> list[Path]:
        """The tables of other machines that were added."""
        files = sorted((self.path / "added").glob("*.parquet"))
        return [file for file in files if file.suffixes == [".parquet"]]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and keep it for this process.

        Raises:
            OutputError: It cannot be made, or another process writes to it.
        """
        with Folder(self.path).locked():
            yield

    def add(self, tables: Sequence[Table]) -> None:
        """Keep tables of other machines, to be analysed with what was run here.

        Raises:
            OutputError: One of that name was added before.
        """
        places: dict[Path, Table] = {}
        for table in tables:
            plain, number = re.sub(r"[^\w-]", "-", table.name), 2
            place = self.path / "added" / f"{plain}.parquet"
            while place in places:
                place = place.with_stem(f"{plain}-{number}")
                number += 1
            if place.exists():
                raise OutputError(
                    f"{place} is there already: leave --add out if it is the same table, or "
                    "rename yours"
                )
            places[place] = table
        for place, table in places.items():
            place.parent.mkdir(exist_ok=True)
            table.write(place)

    def record(self) -> StudyRecord:
        """What the study is.

        Raises:
            OutputError: The folder holds no study, or a damaged one.
        """
        path = self.path / STUDY_FILE
        try:
            return StudyRecord.from_dict(read_yaml(read_text(path)))
        except OSError as error:
            raise OutputError(
                f"{self.path} holds no study (no {STUDY_FILE}): name the folder that "
                "`perjoule study` wrote"
            ) from error
        except (ValueError, DataError) as error:
            raise damaged(path, error) from error

    def write(self, record: StudyRecord) -> None:
        """Write what the study is into the folder, which was made."""
        text = write_yaml(record.to_dict())
        write_whole(self.path / STUDY_FILE, lambda part: part.write_text(text, encoding="utf-8"))
