"""What an energy source is: a cumulative joule counter with an identity."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

Task = Callable[[], float]  # done in the background; returns in how many seconds to do it again


class Kind(StrEnum):
    """How a joule became known."""

    MEASURED = "measured"  # read from an energy counter
    INTEGRATED = "integrated"  # power readings integrated over time
    MODELLED = "modelled"  # computed from activity by a model, not measured
    APPORTIONED = "apportioned"  # a share of what several trials used at once
    UNAVAILABLE = "unavailable"  # not known; the warnings say why


class Scope(StrEnum):
    """Whose joules a source counts."""

    PROCESS = "process"
    PACKAGE = "package"
    BOARD = "board"
    MODULE = "module"
    NODE = "node"


# Whose joules hardware counters of each component usually count.
SCOPES = {"cpu": Scope.PACKAGE, "dram": Scope.PACKAGE, "gpu": Scope.BOARD, "node": Scope.NODE}


@dataclass(frozen=True)
class SourceInfo:
    """The identity of a source.

    Attributes:
        id: Unique name, such as ``"rapl:package-0"``.
        component: What it feeds: ``"cpu"``, ``"gpu"``, ``"dram"`` or ``"node"``. Sources of one
            component are added, except in node scope.
        kind: How its joules become known.
        scope: Whose joules it counts.
        detail: One line for people: what is read, and with which figures.
        update_period_s: How often the counter moves, in seconds; 0 if at every reading.
        gain_error: Relative error of the whole amount, such as 0.05; None if not known.
        max_power_w: A reading above this power is impossible.
        moves: Whether its counter moves all the time, so that one that stands is dead; None if
            its kind tells: measured and integrated ones do, models and shares of a process do not.
        share_of: The kind of what an apportioned source is a share of.
        counts_search: False if the source sees only counted operations of networks, so that the
            energy of a search algorithm is not in it.
        warnings: What a reader of its numbers must know.
    """

    id: str
    component: str
    kind: Kind
    scope: Scope
    detail: str
    update_period_s: float = 0.0
    gain_error: float | None = None
    max_power_w: float = 5_000.0
    counts_search: bool = True
    warnings: tuple[str, ...] = ()
    moves: bool | None = None
    share_of: Kind | None = None

    @property
    def always_moves(self) -> bool:
        """Whether its counter moves as long as the hardware is on."""
        return self.kind in (Kind.MEASURED, Kind.INTEGRATED) if self.moves is None else self.moves


class BaseSource:
    """What counters and powers share; everything but ``info`` has a default.

    Attributes:
        info: The source's identity.
    """

    info: SourceInfo

    @property
    def resets(self) -> int:
        """How often it lost count; windows across that are unavailable."""
        return 0

    @property
    def in_use(self) -> bool:
        """False while this process is known not to use the hardware: listed but not billed."""
        return True

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings of the moment, beside those of ``info``."""
        return ()

    def tasks(self) -> list[Task]:
        """What the meter's background thread must do for it; none of it may block for long."""
        return []

    def close(self) -> None:
        """Let go of what it holds, at the end of a meter that found the source by name."""


class Source(BaseSource, ABC):
    """A cumulative joule counter.

    class Plug(Source):
        info = SourceInfo("plug", "node", Kind.MEASURED, Scope.NODE, "plug under the desk")

        def read(self) -> float:
            return ask_the_plug_wh() * 3600
    """

    keep_alive_s = math.inf  # within these it must be read again, or count may be lost unseen

    @abstractmethod
    def read(self) -> float:
        """Joules since some fixed moment; never falls, but at a reset.

        Raises:
            SourceError: This reading failed. The next one may succeed.
        """

    def tasks(self) -> list[Task]:
        """Read it often enough, if it asks for that."""
        return [self._keep_alive] if self.keep_alive_s < math.inf else []

    def _keep_alive(self) -> float:
        self.read()
        return self.keep_alive_s

    def largest_gap_s(self, start_s: float, end_s: float) -> float:
        """Longest time without a power reading that touches a window; 0 if none stands out.

        Args:
            start_s: The window's start on the meter's clock.
            end_s: Its end, which is the latest reading.
        """
        return 0.0

    def count_operations(self, operations: float) -> None:
        """Take operations that a network just computed; only a model of them looks at it."""

    def caused_by(self, thread: int) -> float | None:
        """Joules that a thread of this process has caused so far; None if that is not known."""
        return None


class PowerSource(BaseSource, ABC):
    """A source that knows only its present power; the meter integrates it."""

    @abstractmethod
    def read_power_w(self) -> float:
        """Present power in watts.

        Raises:
            SourceError: This reading failed. The next one may succeed.
        """


@dataclass(frozen=True)
class Discovery:
    """What looking for a kind of source found, and why it did not find the rest."""

    sources: list[Source | PowerSource] = field(default_factory=list)  # readable ones
    reason: str = ""  # why something cannot be read; empty if all can
    mend: str = ""  # what to do about it
    incomplete: bool = False  # whether joules of hardware in use here would be missing


class CountedJoules(float):
    """Joules of a count; the difference of two is that of the counts, to the bit.

    So what a trial takes does not depend on what was counted before it, such as before a resume.
    """

    PARTS = 2**20  # of an operation are counted as whole numbers, since a user may tell fractions
    _parts: int
    _joules_per_operation: float

    @classmethod
    def of(cls, parts: int, joules_per_operation: float) -> CountedJoules:
        """The joules of a count of parts of operations."""
        joules = cls(parts / cls.PARTS * joules_per_operation)
        joules._parts, joules._joules_per_operation = parts, joules_per_operation
        return joules

    def __sub__(self, other: float) -> float:
        if isinstance(other, CountedJoules):
            return (self._parts - other._parts) / self.PARTS * self._joules_per_operation
        return super().__sub__(other)
