"""What a window counted, less what calls beside it used."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from .meter import EnergyMeter
from .reading import ComponentReading, Reading
from .snapshot import Snapshot
from .source import Kind


class Part:
    """What is not a call's own, or not all calls' of a function, in a window; by source."""

    def __init__(self, meter: EnergyMeter, start: Snapshot) -> None:
        self.meter, self.start = meter, start
        self.others_j = [0.0] * len(meter.sources)
        self.shared = [False] * len(meter.sources)
        self.doubts: dict[int, str] = {}

    def take(self, index: int, joules: float | None, share: float | None) -> None:
        """Leave out what was another's of the joules that a source counted."""
        name = self.meter.sources[index].id
        if share == 1.0:
            return
        self.shared[index] = True
        if joules is None:
            self.doubts[index] = f"{name}: could not be read while calls overlapped"
        elif share is None:
            self.doubts[index] = (
                f"{name}: calls overlapped, and its joules cannot be split among their threads; "
                "make one call at a time"
            )
        else:
            self.others_j[index] += (1.0 - share) * joules

    def reading(self, end: Snapshot, exact: Iterable[bool]) -> Reading:
        """Energy of the window up to now, without what was another's."""
        whole = self.meter.between(self.start, end)
        parts = zip(whole.components, self.shared, self.others_j, exact, strict=True)
        return replace(
            whole,
            components=tuple(
                _own(part, self.doubts.get(index), others_j, known) if shared else part
                for index, (part, shared, others_j, known) in enumerate(parts)
            ),
        )


def _own(
    part: ComponentReading, doubt: str | None, others_j: float, known: bool
) -> ComponentReading:
    """A source's reading without what was another's."""
    if part.energy_j is None:
        return part
    if doubt is not None:
        return replace(
            part,
            energy_j=None,
            kind=Kind.UNAVAILABLE,
            bound_j=None,
            warnings=(doubt, *part.warnings),
        )
    own_j = max(part.energy_j - others_j, 0.0)
    if known:
        return replace(part, energy_j=own_j)
    share = own_j / part.energy_j if part.energy_j else 0.0
    split = f"{part.source}: calls overlapped, and were split by the CPU time of their threads"
    return replace(
        part,
        energy_j=own_j,
        kind=Kind.APPORTIONED,
        gain_error=None,
        warnings=(*part.warnings, split),
        idle_j=None if part.idle_j is None else share * part.idle_j,
    )
