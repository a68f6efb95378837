"""What setups of a training take to one accuracy: the worst over the best, heat maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ....energy.quantities import format_energy
from ...statistics.inference import interval
from ...statistics.runs import expected_energy_to_target
from ..comparing import quantity
from ..facts import Axis, Cell, Claim, Heat, Quantity, Sheet
from ..wording import identifier

if TYPE_CHECKING:
    import pandas as pd

FACTORS = ("optimizer", "learning_rate", "batch_size")
WORDS = {"optimizer": "optimiser", "learning_rate": "learning rate", "batch_size": "batch size"}
LEAST = 3.0
"""The worst of the setups that reach the target takes so many times the best's energy at least."""
PAPERS = Quantity(None, high=5.0)
STATEMENT = (
    "To reach the same accuracy with the same network on the same machine, a badly set training "
    "takes several times the energy of the best one (up to 5 times in the paper)."
)


@dataclass(frozen=True, eq=False)
class Grid:
    """Trainings of a grid of setups, each repeated.

    Attributes:
        trials: ``optimizer``, ``learning_rate``, ``batch_size``, ``seed``, ``hit`` (whether the
            target was reached) and ``energy_j`` (until then, or all that was spent).
        target: The accuracy to reach, in words.
    """

    trials: pd.DataFrame
    target: str

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row per setup: ``n``, ``hits``, ``spent_j`` (median), ``expected_j`` to the target.

        The last is the joules of all repetitions over those that reached the target.
        """
        groups = self.trials.groupby(list(FACTORS))
        found = groups.agg(n=("hit", "size"), hits=("hit", "sum"), spent_j=("energy_j", "median"))
        return found.assign(expected_j=groups[["hit", "energy_j"]].apply(expected_energy_to_target))

    @cached_property
    def reached(self) -> pd.DataFrame:
        """Joules of the setups that reached the target in each repetition: (setup, repetition)."""
        always = self.cells.index[self.cells["hits"] == self.cells["n"]]
        energies = self.trials.pivot_table(
            values="energy_j", index=list(FACTORS), columns="seed", observed=True
        )
        return energies.loc[energies.index.isin(always)]

    def of(self, optimizer: Any) -> Grid:
        """The part with one optimiser."""
        return Grid(self.trials[self.trials["optimizer"] == optimizer], self.target)

    @property
    def optimizers(self) -> list[Any]:
        """Which there are."""
        return sorted(self.trials["optimizer"].unique())

    def worst_over_best(self) -> Quantity | None:
        """How many times the energy of the best setup the worst that reached the target took.

        Of each repetition it is the ratio of the two that are worst and best on the median of the
        other repetitions, so that a lucky and an unlucky training do not widen it. Over
        repetitions the median with its interval; None with fewer than two such setups.
        """
        energies = self.reached
        if len(energies) < 2:
            return None
        ratios = []
        for seed in energies:
            others = energies.drop(columns=seed) if energies.shape[1] > 1 else energies
            medians = others.median(axis=1).dropna()
            if len(medians):
                own = energies[seed].reindex(medians.index)
                ratios.append(own.iloc[medians.argmax()] / own.iloc[medians.argmin()])
        return quantity(interval(ratios))

    def effect_of(self, factor: str) -> Quantity | None:
        """How many times the energy of its best level a factor's worst takes, all else equal.

        Of each repetition the geometric mean over what else can be set; over repetitions the
        median with its interval.
        """
        energies = self.reached
        others = [name for name in FACTORS if name != factor]
        several = energies.groupby(others)[list(energies)].transform("count").min(axis=1) > 1
        groups = energies[several].groupby(others)
        logs = np.log(groups.max() / groups.min())
        return quantity(interval(np.exp(logs.mean()))) if len(logs) else None

    def extreme(self, *, best: bool) -> tuple[Any, float] | None:
        """The setup that takes least (or most) to the target, with its median joules."""
        medians = self.reached.median(axis=1).dropna()
        if medians.empty:
            return None
        at = int(medians.argmin() if best else medians.argmax())
        return medians.index[at], float(medians.iloc[at])


def describe(setup: Any) -> str:
    """A setup in words."""
    optimizer, rate, size = setup
    return f"{optimizer}, learning rate {rate:g}, batch size {size:g}"


def claim_of(grid: Grid, missing: Sequence[str] = ()) -> Claim:
    """The paper's claim on setups, beside what was found; some factors may be missing."""
    if missing or not len(grid.trials):
        lacks = [f"p.{name}" for name in missing or FACTORS]
        return Claim(STATEMENT, PAPERS, None, None, f"no training has {' and '.join(lacks)}")
    ratio, cells = grid.worst_over_best(), grid.cells
    if ratio is None or ratio.value is None:
        why = f"fewer than two setups reached {grid.target} in each of their repetitions"
        return Claim(STATEMENT, PAPERS, None, None, why)
    best, worst = (grid.extreme(best=each) for each in (True, False))
    assert best is not None and worst is not None  # there is a ratio
    always, never = len(grid.reached), int((cells["hits"] == 0).sum())
    why = (
        f"of {len(cells)} setups {always} always reached {grid.target}, the best with "
        f"{describe(best[0])} and the worst with {describe(worst[0])}, and {LEAST:g} times counts "
        f"as holding; {len(cells) - always - never} reached it at times, and {never} never, which "
        "stand in no ratio"
    )
    if grid.reached.shape[1] < 2:
        why += "; one repetition does not tell a bad setup from an unlucky training"
        return Claim(STATEMENT, PAPERS, ratio, None, why)
    return Claim(STATEMENT, PAPERS, ratio, ratio.value >= LEAST, why)


def heats(grid: Grid) -> Iterator[Heat]:
    """A heat map of energy to target for each optimiser."""
    rates, sizes = (sorted(grid.trials[name].unique()) for name in FACTORS[1:])
    for optimizer in grid.optimizers:
        cells = grid.of(optimizer).cells.droplevel("optimizer").to_dict("index")
        rows = [[cells.get((rate, size)) for rate in rates] for size in sizes]
        yield Heat(
            f"energy-{identifier(str(optimizer)).lower()}",
            f"Energy to {grid.target}, {optimizer}",
            "The joules of a training until its validation accuracy reached the target; where it "
            "was not always reached, the joules of all repetitions for each time it was. A cell "
            "with > never reached it by then.",
            x=Axis("learning rate", labels=tuple(f"{rate:g}" for rate in rates)),
            y=Axis("batch size", labels=tuple(f"{size:g}" for size in sizes)),
            values=tuple(tuple(_value(cell) for cell in row) for row in rows),
            texts=tuple(tuple(_text(cell) for cell in row) for row in rows),
            unit="J",
            log=True,
        )


def sheets(grid: Grid) -> Iterator[Sheet]:
    """The best and worst setup of each optimiser, and what one factor alone changes."""
    parts: list[tuple[str, Grid]] = [(str(each), grid.of(each)) for each in grid.optimizers]
    if len(parts) > 1:
        parts.append(("all", grid))
    yield Sheet(
        "setups",
        f"Setups that reach {grid.target}",
        "The worst over the best says what a bad choice costs although it gets there; what never "
        "gets there costs more still.",
        (
            "optimiser",
            "always reached",
            "never reached",
            "best: rate, batch",
            "worst: rate, batch",
            "worst over best",
        ),
        tuple((name, *_row(part)) for name, part in parts),
    )
    yield Sheet(
        "factors",
        "What one choice alone changes",
        "The energy of a factor's worst level over its best, all else equal, among setups that "
        "always reached the target: of the factor with the largest ratio the choice matters most. "
        "Worst and best are those of each repetition, so that chance alone puts the ratio above 1.",
        ("factor", "worst level over best"),
        tuple((WORDS[name], grid.effect_of(name)) for name in FACTORS),
    )


def _row(part: Grid) -> Sequence[Cell]:
    n, own = len(part.cells), len(part.optimizers) == 1

    def told(end: tuple[Any, float] | None) -> str | None:
        if end is None:
            return None
        (optimizer, rate, size), joules = end
        return f"{format_energy(joules)}: {'' if own else f'{optimizer}, '}{rate:g}, {size:g}"

    ends = [part.extreme(best=each) for each in (True, False)]
    return (
        f"{len(part.reached)} of {n}",
        f"{int((part.cells['hits'] == 0).sum())} of {n}",
        *map(told, ends),
        part.worst_over_best(),
    )


def _value(cell: Mapping[Any, Any] | None) -> float | None:
    if cell is None or not cell["hits"] or not np.isfinite(cell["expected_j"]):
        return None
    return float(cell["spent_j"] if cell["hits"] == cell["n"] else cell["expected_j"])


def _text(cell: Mapping[Any, Any] | None) -> str:
    if cell is None:
        return "not run"
    if not cell["hits"]:
        return f"> {format_energy(cell['spent_j'])}"
    often = "" if cell["hits"] == cell["n"] else f" ({cell['hits']} of {cell['n']})"
    return f"{format_energy(_value(cell))}{often}"
