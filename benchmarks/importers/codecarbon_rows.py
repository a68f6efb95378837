"""What a row of CodeCarbon's ``emissions.csv`` says, and what its versions lost of rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ..tables.totals import contradicts, rounding_of
from .files import Line

COMPONENTS = {"cpu_energy": "cpu_j", "gpu_energy": "gpu_j", "ram_energy": "dram_j"}
_TOTAL = "energy_consumed"
_LONGEST_S = 1e10
_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)


class Amounts(NamedTuple):
    """What a row says, or the difference of two; None is not known."""

    ended_at: datetime
    duration_s: float
    energy_kwh: float | None
    others: dict[str, float | None]  # kWh of components, kg of emissions
    odd: tuple[str, str] = ("", "")  # why the energies are not known: in short, and in full

    @classmethod
    def of(cls, line: Line) -> Amounts:
        """Read a row, whose energies are not known where they contradict each other."""
        ended_at, duration_s = line.moment("timestamp"), line.needed("duration")
        if ended_at is None:
            line.refuse("timestamp", "is empty: every row needs one")
        if not 0 <= duration_s < min(_LONGEST_S, (ended_at - _FIRST_MOMENT).total_seconds()):
            line.refuse("duration", "is no time in seconds")
        energy_kwh = line.known(_TOTAL)
        others = {name: line.known(name) for name in (*COMPONENTS, "emissions")}
        found = cls(ended_at, duration_s, energy_kwh, others)
        if energy_kwh is None:
            return found._replace(odd=(f"{_TOTAL} is empty or no number: energy_j is unknown",) * 2)
        parts = [others[name] for name in COMPONENTS]
        rounding = rounding_of([line.cells.get(name, "") for name in (*COMPONENTS, _TOTAL)])
        if all(part is None for part in parts) or not contradicts(
            energy_kwh, parts, line.known("pue") or 1.0, rounding
        ):
            return found
        together = sum(part for part in parts if part is not None)
        times = f"{energy_kwh / together:.4g} times" if together else "beside"
        why = f"the sum of {', '.join(COMPONENTS)}: the energies are unknown"
        return found.unknown(f"{_TOTAL} contradicts {why}", f"{_TOTAL} is {times} {why}")

    @property
    def started_at(self) -> datetime:
        """When the tracker started."""
        return self.ended_at - timedelta(seconds=self.duration_s)

    def unknown(self, short: str, full: str = "") -> Amounts:
        """The same without its energies, and why."""
        return self._replace(
            energy_kwh=None, others=dict.fromkeys(self.others), odd=(short, full or short)
        )

    def since(self, before: Amounts) -> Amounts:
        """What was added since an earlier row of the same tracker."""
        goes_on = self.duration_s >= before.duration_s  # else its clock was started again
        pairs = ((name, now, before.others[name]) for name, now in self.others.items())
        found = Amounts(
            self.ended_at,
            self.duration_s - before.duration_s if goes_on else self.duration_s,
            _less(self.energy_kwh, before.energy_kwh),
            {name: _less(now, then) for name, now, then in pairs},
            self.odd,
        )
        if found.energy_kwh is None and not any(found.odd):
            return found.unknown(
                "the energy of the row before is unknown, and so is what was added"
            )
        return found


def restore_dropped(
    header: Sequence[str], latest: Sequence[str], cells: Sequence[str]
) -> list[str] | None:
    """The cells of a row that an append without its empty columns made shorter; None if it is none.

    CodeCarbon up to 3.2 appends a row without the columns that hold nothing in it (its issue 1304).
    They are among those that are empty in the row before, and all stand behind the energies. What
    stands before the first and behind the last of them is where it belongs.
    """
    empty = [at for at, cell in enumerate(latest) if not cell]
    n_missing = len(header) - len(cells)
    if not empty or n_missing > len(empty) or _TOTAL not in header[: empty[0]]:
        return None
    n_behind = len(header) - 1 - empty[-1]
    if not 0 < n_behind <= len(cells) - empty[0]:
        return None
    full = [*cells[: empty[0]], *[""] * (len(header) - empty[0] - n_behind), *cells[-n_behind:]]
    certain = [at for at, cell in enumerate(full) if cell and latest[at]]
    alike = all(_is_number(full[at]) == _is_number(latest[at]) for at in certain)
    return full if alike and len(certain) >= empty[0] / 2 else None


def _less(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
