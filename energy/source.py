"""What an energy source is: a cumulative joule counter with an identity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Kind(StrEnum):
    """How a joule became known."""

    MEASURED = "measured"
    """Read from an energy counter."""
    INTEGRATED = "integrated"
    """Power readings integrated over time."""
    MODELLED = "modelled"
    """Computed from activity by a model, not measured."""
    APPORTIONED = "apportioned"
    """A share of a measured counter that several trials used at once."""
    UNAVAILABLE = "unavailable"
    """Not known; the warnings say why."""


class Scope(StrEnum):
    """Whose joules a source counts."""

    PROCESS = "process"
    PACKAGE = "package"
    BOARD = "board"
    MODULE = "module"
    NODE = "node"


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


@runtime_checkable
class Source(Protocol):
    """A cumulative joule counter.

    More is looked at where a source has it:

    - ``resets``: how often it lost count; windows across that are unavailable.
    - ``tend() -> float``: housekeeping, called in the meter's background thread; returns in how
      many seconds it wants to be called again. It must not block for long.
    - ``in_use``: False while this process is known not to use the hardware, which is then listed
      but not billed.
    - ``notes``: warnings of the moment, beside those of ``info``.
    - ``largest_gap_s(start_s, end_s)``: longest time without a power reading in a window.
    - ``close()``: called at the end of a meter that found the source by name.
    """

    @property
    def info(self) -> SourceInfo:
        """The source's identity."""
        ...

    def read(self) -> float:
        """Joules since some fixed moment; never falls, but at a reset.

        Raises:
            SourceError: This reading failed. The next one may succeed.
        """
        ...


@runtime_checkable
class PowerSource(Protocol):
    """A source that knows only its present power; the meter integrates it."""

    @property
    def info(self) -> SourceInfo:
        """The source's identity."""
        ...

    def read_power_w(self) -> float:
        """Present power in watts.

        Raises:
            SourceError: This reading failed. The next one may succeed.
        """
        ...
