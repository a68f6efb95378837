"""What a window returns: joules per component, each with its provenance."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from .. import notebooks
from .quantities import format_energy, total
from .source import Kind, Scope, SourceInfo

SHORT_WINDOW_PERIODS = 5  # below this many update periods of its source a reading is flagged


class ShortWindows(NamedTuple):
    """Windows of a source that were too short for its steps."""

    source: str
    period_s: str  # an update period, as it is written
    shortest_s: float
    windows: int = 1

    def __str__(self) -> str:
        """The warning of them all."""
        below = f"below {SHORT_WINDOW_PERIODS} update periods of {self.period_s} s"
        if self.windows == 1:
            return f"{self.source}: window of {self.shortest_s:.3g} s is {below}"
        shortest = f"the shortest {self.shortest_s:.3g} s"
        return f"{self.source}: {self.windows} windows {below}, {shortest}"


_SHORT = re.compile(
    rf"(?P<source>.*): (?:window of (?P<only>\S+) s is|(?P<count>\d+) windows) "
    rf"below {SHORT_WINDOW_PERIODS} update periods of (?P<period>\S+) s"
    r"(?:, the shortest (?P<shortest>\S+) s)?"
)


@dataclass(frozen=True)
class ComponentReading:
    """The joules one source counted in a window.

    Attributes:
        component: ``"cpu"``, ``"gpu"``, ``"dram"`` or ``"node"``.
        source: The id of the source.
        energy_j: Joules, or None if unavailable.
        kind: How they became known.
        scope: Whose joules they are.
        bound_j: Quantisation bound: how far off because the counter moves in steps, and is not
            read at once (mean power times update period and reading time). Where power swings,
            up to its peak over its mean times that. None if not known.
        gain_error: Relative error of the amount; None if not known.
        largest_gap_s: Longest time without a power reading, for integrated sources.
        warnings: What a reader must know, the reason first where the energy is unavailable.
        idle_j: What the hardware would have used idle (see ``perjoule calibrate``), None if not
            known. A model of a process' own activity has none: 0.
        share_of: The kind of what they are an apportioned share of.
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
    idle_j: float | None = None
    share_of: Kind | None = None

    @property
    def error_j(self) -> float | None:
        """How far off the joules may be: bound plus gain error; None unless both are known."""
        if self.energy_j is None or self.bound_j is None or self.gain_error is None:
            return None
        return self.bound_j + self.gain_error * abs(self.energy_j)

    @property
    def net_j(self) -> float | None:
        """Joules beyond idle, negative if less was used than idle; None if either is not known."""
        return total([self.energy_j, _times(-1, self.idle_j)])

    def split(self, parts: int) -> ComponentReading:
        """One of several even parts, which is apportioned."""
        if self.energy_j is None:
            return self
        bound_j, idle_j = (None if j is None else j / parts for j in (self.bound_j, self.idle_j))
        split = {"energy_j": self.energy_j / parts, "bound_j": bound_j, "idle_j": idle_j}
        return replace(self, kind=Kind.APPORTIONED, share_of=self.share_of or self.kind, **split)

    def __add__(self, other: ComponentReading) -> ComponentReading:
        """Add the reading of the same source over another window; unavailable stays so."""
        return self._combined(other, sign=1)

    def __sub__(self, other: ComponentReading) -> ComponentReading:
        """Take away the source's reading over a part of this window; errors add up here too."""
        return self._combined(other, sign=-1)

    def _combined(self, other: ComponentReading, sign: int) -> ComponentReading:
        if (self.source, self.component) != (other.source, other.component):
            names = f"{self.source} with {other.source}"
            raise ValueError(f"cannot combine {names}: not the same source")
        known = self if self.kind is not Kind.UNAVAILABLE else other
        energy_j = total([self.energy_j, _times(sign, other.energy_j)])
        return replace(
            self,
            energy_j=energy_j,
            kind=Kind.UNAVAILABLE if energy_j is None else _kind_of_both(known.kind, other.kind),
            bound_j=total([self.bound_j, other.bound_j]),
            gain_error=known.gain_error,
            largest_gap_s=max(self.largest_gap_s, other.largest_gap_s),
            warnings=merge_warnings(self.warnings, other.warnings),
            idle_j=total([self.idle_j, _times(sign, other.idle_j)]),
            share_of=self.share_of or other.share_of,
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
        return _total_if_any([part.energy_j for part in self._billable()])

    @property
    def net_j(self) -> float | None:
        """Billed joules beyond idle, possibly negative; None if any idle power is not known."""
        return _total_if_any([part.net_j for part in self._billable()])

    @property
    def kind(self) -> str:
        """The kinds in ``total_j``, joined by ``+``: ``"modelled"``, ``"measured+modelled"``.

        A share of what is modelled is both: ``"apportioned+modelled"``.
        """
        parts = self._billable()
        kinds = {part.kind for part in parts}
        kinds |= {part.share_of for part in parts if part.share_of is Kind.MODELLED}
        return "+".join(sorted(kind.value for kind in kinds)) or "unavailable"

    def component_j(self, component: str) -> float | None:
        """Joules of one component; None if it is unavailable or has no source."""
        amounts_j = [part.energy_j for part in self.components if part.component == component]
        return _total_if_any(amounts_j)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of all components, each once."""
        return _union(*(part.warnings for part in self.components))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "duration_s": self.duration_s,
            "total_j": self.total_j,
            "net_j": self.net_j,
            "kind": self.kind,
            "totals_j": self.totals_j,
            "components": [
                {**asdict(part), "billed": part.source in self.billed} for part in self.components
            ],
        }

    def split(self, parts: int) -> Reading:
        """The reading of one of several that this one is split among evenly."""
        if parts == 1:
            return self
        return replace(self, components=tuple(each.split(parts) for each in self.components))

    def __add__(self, other: Reading) -> Reading:
        """Add the reading of another window of the same meter."""
        if not self.components:
            return other
        if not other.components:
            return self
        return self._combined(other, operator.add)

    def __sub__(self, other: Reading) -> Reading:
        """Take away the reading of a part of this window, such as that of a search's asks."""
        if not other.components:
            return self
        return self._combined(other, operator.sub)

    def __str__(self) -> str:
        """One line for people."""
        parts = ", ".join(map(self._describe, self.components))
        return f"{format_energy(self.total_j)} in {self.duration_s:.3g} s: {parts or 'no source'}"

    def _repr_html_(self) -> str:
        """What a notebook shows: a row for each component, and what is to be known of them."""
        rows = [
            (
                part.component,
                format_energy(part.energy_j),
                "n/a" if part.error_j is None else f"± {format_energy(part.error_j)}",
                part.kind.value,
                part.scope.value,
                part.source,
                "yes" if part.source in self.billed else "no",
            )
            for part in self.components
        ]
        heads = ("component", "energy", "uncertainty", "kind", "scope", "source", "in the total")
        total_j = f"{format_energy(self.total_j)} {self.kind}"
        return (
            notebooks.headed(total_j, f" in {self.duration_s:.3g} s")
            + notebooks.table(heads, rows)
            + notebooks.sentences(self.warnings)
        )

    def _describe(self, part: ComponentReading) -> str:
        facts = [part.kind.value, part.source]
        if part.source not in self.billed:
            facts.append("not billed")
        amount = format_energy(part.energy_j)
        if part.error_j is not None and part.energy_j:
            amount += f" ± {100 * part.error_j / abs(part.energy_j):.2g} %"
        return f"{part.component} {amount} ({', '.join(facts)})"

    def _combined(self, other: Reading, combine: Callable[[Any, Any], Any]) -> Reading:
        parts = map(combine, self.components, other.components)
        # What was found in use in one of the windows is billed in both.
        billed = self.billed | other.billed
        return Reading(tuple(parts), combine(self.duration_s, other.duration_s), billed)

    def _billable(self) -> list[ComponentReading]:
        return [part for part in self.components if part.source in self.billed]


def billed_ids(sources: Iterable[SourceInfo]) -> frozenset[str]:
    """Ids of the billed sources: wholes only without parts, their models only if unmeasured.

    A module of GPUs alone is the whole of its boards, and a part like these beside a CPU.
    """
    wholes = (Scope.MODULE, Scope.NODE)
    infos = list(sources)
    if any((info.component, info.scope) == ("gpu", Scope.BOARD) for info in infos):
        infos = [info for info in infos if not _is_gpu_module(info)]
    for excluded in (wholes, wholes[1:]):
        parts = [i for i in infos if i.scope not in excluded or _is_gpu_module(i)]
        if parts:
            return frozenset(info.id for info in parts)
    measured = [info for info in infos if info.kind is not Kind.MODELLED]
    return frozenset(info.id for info in measured or infos)


def _is_gpu_module(info: SourceInfo) -> bool:
    return (info.component, info.scope) == ("gpu", Scope.MODULE)


def _total_if_any(amounts: list[float | None]) -> float | None:
    """The sum; None if there is nothing to add or any amount is not known."""
    return total(amounts) if amounts else None


def _kind_of_both(one: Kind, other: Kind) -> Kind:
    """The kind of a sum: what is apportioned in a part of it is in all."""
    return Kind.APPORTIONED if Kind.APPORTIONED in (one, other) else one


def _times(sign: int, amount: float | None) -> float | None:
    return None if amount is None else sign * amount


def _union(*groups: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for group in groups for item in group))


def merge_warnings(*groups: Iterable[str]) -> tuple[str, ...]:
    """Warnings of several windows, each once, and one for all short windows of a source."""
    merged: dict[object, str | ShortWindows] = {}
    for text in (text for group in groups for text in group):
        short = _parse_short(text)
        if short is None:
            merged[text] = text
            continue
        key = short[:2]
        if isinstance(before := merged.get(key), ShortWindows):
            shortest_s = min(before.shortest_s, short.shortest_s)
            short = short._replace(shortest_s=shortest_s, windows=before.windows + short.windows)
        merged[key] = short
    return tuple([str(warning) for warning in merged.values()])


def _parse_short(text: str) -> ShortWindows | None:
    match = _SHORT.fullmatch(text)
    if match is None:
        return None
    shortest_s = float(match["only"] or match["shortest"])
    return ShortWindows(match["source"], match["period"], shortest_s, int(match["count"] or 1))
