"""What a window returns: joules per component, each with its provenance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .quantities import format_energy
from .source import Kind, Scope, SourceInfo

SHORT_WINDOW_PERIODS = 5
"""Below this many update periods of its source a reading is flagged."""


@dataclass(frozen=True)
class ComponentReading:
    """The joules one source counted in a window.

    Attributes:
        component: ``"cpu"``, ``"gpu"``, ``"dram"`` or ``"node"``.
        source: The id of the source.
        energy_j: Joules, or None if unavailable.
        kind: How they became known.
        scope: Whose joules they are.
        bound_j: Quantisation bound: at most this far off because the counter moves in steps
            (power times update period); None if not known.
        gain_error: Relative error of the amount; None if not known.
        largest_gap_s: Longest time without a power reading, for integrated sources.
        warnings: What a reader must know, the reason first where the energy is unavailable.
    """

    component: str
    source: str
    energy_j: float | None
    kind: Kind
    scope: Scope
    bound_j: float | None = None
    gain_error: float | None = None
    largest_gap_s: float = 0.0
    warnings: tuple[str, ...] = ()

    def __add__(self, other: ComponentReading) -> ComponentReading:
        """Add the reading of the same source over another window; unavailable stays so."""
        if (self.source, self.component) != (other.source, other.component):
            raise ValueError(f"cannot add {other.source} to {self.source}: not the same source")
        energy_j = _sum([self.energy_j, other.energy_j])
        return replace(
            self,
            energy_j=energy_j,
            kind=Kind.UNAVAILABLE if energy_j is None else self.kind,
            bound_j=_sum([self.bound_j, other.bound_j]),
            largest_gap_s=max(self.largest_gap_s, other.largest_gap_s),
            warnings=_union(self.warnings, other.warnings),
        )


@dataclass(frozen=True)
class Reading:
    """The energy of a window, gross.

    Attributes:
        components: One entry per source, none summed with another.
        duration_s: Length of the window in seconds, on the monotonic clock.
        billed: Ids of the sources that totals add up (see ``billed_ids``).
    """

    components: tuple[ComponentReading, ...] = ()
    duration_s: float = 0.0
    billed: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def totals_j(self) -> dict[Kind, float]:
        """Joules per kind, apart; a node's total is never added to its parts."""
        totals: dict[Kind, float] = {}
        for part in self._billable():
            if part.energy_j is not None:
                totals[part.kind] = totals.get(part.kind, 0.0) + part.energy_j
        return totals

    @property
    def total_j(self) -> float | None:
        """All billed joules of whatever kind (see ``kind``); None if any of them is unavailable."""
        return _sum([part.energy_j for part in self._billable()])

    @property
    def kind(self) -> str:
        """The kinds in ``total_j``, joined by ``+``: ``"modelled"``, ``"measured+modelled"``."""
        return "+".join(sorted({part.kind.value for part in self._billable()})) or "unavailable"

    def component_j(self, component: str) -> float | None:
        """Joules of one component; None if it is unavailable or has no source."""
        return _sum([part.energy_j for part in self.components if part.component == component])

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of all components, each once."""
        return _union(*(part.warnings for part in self.components))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "duration_s": self.duration_s,
            "total_j": self.total_j,
            "kind": self.kind,
            "components": [asdict(part) for part in self.components],
        }

    def __add__(self, other: Reading) -> Reading:
        """Add the reading of another window of the same meter."""
        if not self.components:
            return other
        if not other.components:
            return self
        pairs = zip(self.components, other.components, strict=True)
        return Reading(
            tuple(a + b for a, b in pairs), self.duration_s + other.duration_s, self.billed
        )

    def __str__(self) -> str:
        """One line for people."""
        parts = ", ".join(
            f"{part.component} {format_energy(part.energy_j)} ({part.kind.value}, {part.source})"
            for part in self.components
        )
        return f"{format_energy(self.total_j)} in {self.duration_s:.3g} s: {parts or 'no source'}"

    def _billable(self) -> list[ComponentReading]:
        return [part for part in self.components if part.source in self.billed]


def billed_ids(sources: Iterable[SourceInfo]) -> frozenset[str]:
    """Ids of the sources that are billed: a whole only where there is no source of its parts."""
    scopes = {source.id: source.scope for source in sources}
    for wholes in ((Scope.MODULE, Scope.NODE), (Scope.NODE,)):
        parts = frozenset(name for name, scope in scopes.items() if scope not in wholes)
        if parts:
            return parts
    return frozenset(scopes)


def _sum(amounts: list[float | None]) -> float | None:
    """The sum, None if there is nothing to add or any amount is not known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known and len(known) == len(amounts) else None


def _union(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))
