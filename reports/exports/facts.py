"""What a search cost, worked out once for all formats; `wording` says it in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...benchmarks.analysis.runs import best_runs
from ...benchmarks.tables.contract import LOWER_BOUND
from ...benchmarks.tables.facts import read_fact
from ...energy.carbon import CarbonIntensity, country_code
from ...energy.quantities import total
from ...errors import PerjouleError
from ...notebooks import preformatted, sentences
from .. import content
from ..format import known
from .energies import REPLAYED, Energy, beside, searched
from .given import Given, Hardware

if TYPE_CHECKING:
    from ...benchmarks.analysis.analysing import Analysis
    from ...benchmarks.analysis.runs import RunFacts
    from ...benchmarks.tables.table import Table


@dataclass(frozen=True)
class Disclosed:
    """A search in a format of others.

    Attributes:
        form: Name of the format.
        text: What to write or to paste.
        notes: What the format has no room for, and what was left out, in sentences.
    """

    form: str
    text: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The text itself."""
        return self.text

    def _repr_html_(self) -> str:
        """For notebooks: the text as it is, then the notes."""
        return preformatted(self.text) + sentences(self.notes)


@dataclass(frozen=True)
class Cost:
    """What a search cost; what is not known is None."""

    table: Table
    analysis: Analysis
    given: Given

    @cached_property
    def search(self) -> tuple[Energy, ...]:
        """The joules of all runs, kind by kind."""
        return searched(self.table)

    @cached_property
    def beside(self) -> tuple[Energy, ...]:
        """The joules that are charged to no run."""
        return beside(self.table)

    @property
    def spent(self) -> tuple[Energy, ...]:
        """All joules, but those beside the search that are not known."""
        return (*self.search, *(each for each in self.beside if each.energy_j is not None))

    @property
    def search_j(self) -> float | None:
        """Joules of the search; None if those of any trial are unknown."""
        return total(each.energy_j for each in self.search)

    @property
    def spent_j(self) -> float | None:
        """Joules of the search and of what was metered beside it; None if any trial's are not."""
        return total(each.energy_j for each in self.spent)

    @property
    def spent_error_j(self) -> float | None:
        """How far off these are at most; None if they are the least that was spent."""
        return None if self.is_least else total(each.error_j for each in self.spent)

    @property
    def unknown_trials(self) -> int:
        """Trials of unknown energy."""
        return sum(each.trials for each in self.search if each.energy_j is None)

    @property
    def is_replayed(self) -> bool:
        """Whether joules were looked up and not spent."""
        return any(REPLAYED in each.kind for each in self.search)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of joules that are known, each once; a lower bound is not a kind."""
        known_kinds = dict.fromkeys(each.kind for each in self.spent if each.energy_j is not None)
        return tuple(kind for kind in known_kinds if kind != LOWER_BOUND)

    @property
    def is_least(self) -> bool:
        """Whether all sums are lower bounds: the joules of a trial are, or some beside are unknown.

        Those beside are unknown where a comparison was killed, which also had trials in flight.
        """
        is_bound = any(LOWER_BOUND in each.kind for each in self.search)
        return is_bound or any(each.energy_j is None for each in self.beside)

    @cached_property
    def grid(self) -> CarbonIntensity | None:
        """What a kilowatt-hour emits: as the user says, else as the table does."""
        if self.given.grid is not None:
            return self.given.grid
        return read_fact(CarbonIntensity, (self.table.description or {}).get("carbon"))

    def grams(self, energy_j: float | None) -> float | None:
        """Grams of CO2 equivalents; None if place or joules are not known."""
        return None if self.grid is None else self.grid.grams(energy_j)

    @property
    def country(self) -> tuple[str, str] | None:
        """The country's name and its three letters."""
        if self.grid is None or not self.grid.place:
            return None
        name = self.grid.place.split(", ")[0]
        try:
            return name, country_code(name)
        except PerjouleError:
            return None

    @property
    def location(self) -> str | None:
        """Where it ran, in words."""
        return self.given.location or (self.grid.place if self.grid else None) or None

    @cached_property
    def bests(self) -> tuple[RunFacts, ...]:
        """The run of each group that found its best candidate; none of a group without a result."""
        found = [next(iter(best_runs(table).values()), None) for _, table in self.table.groups]
        return tuple(each for each in found if each is not None and each.incumbent is not None)

    @property
    def best(self) -> RunFacts | None:
        """The run that found the best candidate; None if there is none, or one in each group."""
        return self.bests[0] if len(self.analysis.groups) == 1 and self.bests else None

    @property
    def best_trial(self) -> dict[str, Any]:
        """The row of the best candidate; empty if there is none."""
        if self.best is None or self.best.incumbent is None:
            return {}
        trials = self.table.trials
        found = trials[
            (trials["run"] == self.best.run) & (trials["trial"] == self.best.incumbent.trial)
        ]
        return {str(name): value for name, value in found.iloc[0].items()} if len(found) else {}

    @property
    def wall_s(self) -> float | None:
        """Seconds from the first to the last."""
        effort = content.work(self.table)
        return None if effort is None else effort.wall_s

    @property
    def hardware(self) -> tuple[Hardware, ...]:
        """What it ran on: as the user says, else as the table does."""
        if self.given.parts:
            return self.given.parts
        machine, runtime = content.part(self.table, "machine"), content.part(self.table, "runtime")
        found = []
        cores = known(machine.get("cores"))
        if machine.get("cpu") and cores:
            found.append(Hardware(int(cores), "cpu", str(machine["cpu"])))
        if str(runtime.get("device", "")).startswith("cuda") and runtime.get("device_name"):
            found.append(Hardware(1, "gpu", str(runtime["device_name"])))
        return tuple(found)

    def version(self, library: str) -> str | None:
        """The version of a library, as the table tells it."""
        found = content.part(self.table, "versions").get(library)
        return None if found is None else str(found)

    @property
    def created(self) -> str | None:
        """When it began, as ``"2026-11-27 01:58:17"`` in UTC."""
        stated = content.created(self.table)
        if stated is not None:
            moment = datetime.fromisoformat(stated[0])
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        first = self.table.trials["started_at"].min()
        return None if str(first) == "NaT" else f"{first:%Y-%m-%d %H:%M:%S}"

    @property
    def is_own(self) -> bool:
        """Whether perjoule trained what the table holds."""
        return self.version("perjoule") is not None

    @property
    def is_study(self) -> bool:
        """Whether the trials were planned, and nothing was searched."""
        return "study" in (self.table.description or {})

    @property
    def measured_by(self) -> str:
        """What metered the joules, in words."""
        meters = content.meters(self.table)
        if not meters:
            return "a meter that the table does not name"
        names = ", ".join(str(meter["id"]) for meter in meters)
        return f"perjoule {self.version('perjoule') or ''}".rstrip() + f" with the meter {names}"
