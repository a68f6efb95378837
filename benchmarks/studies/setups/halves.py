"""Two halves of the classes: what is saved by a network that was pretrained, or learns both."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ...statistics.inference import MIN_RUNS, interval
from ..comparing import quantity
from ..facts import Axis, Claim, Mark, Plot, Quantity, Series, Sheet
from ..wording import identifier, in_words
from .amortising import Amortised
from .reaching import BOTH, FIRST, SECOND, THEN, TRAININGS

if TYPE_CHECKING:
    import pandas as pd

PRETRAINED = ("pre_j", "fine_j", "scratch_j")
LEAST_TASKS = 10  # of the figure


@dataclass(frozen=True, eq=False)
class Halves:
    """Trainings of the halves of a data set with one recipe, each repeated.

    Attributes:
        trials: ``training`` (one of `TRAININGS`), ``seed``, ``hit``, ``energy_j``, ``epochs``, and
            ``pre_j``: of `THEN`, the joules until the first half was learnt.
        recipe: The optimiser, in words.
        target: The accuracy to reach, in words.
    """

    trials: pd.DataFrame
    recipe: str
    target: str

    @cached_property
    def per_seed(self) -> pd.DataFrame:
        """Joules of each repetition, NaN where the target was not reached.

        ``first_j``, ``scratch_j`` (the second half), ``pre_j``, ``fine_j`` and ``both_j``.
        """
        hits = self.trials[self.trials["hit"]]
        energies = hits.pivot_table(values="energy_j", index="seed", columns="training")
        energies = energies.reindex(
            index=sorted(self.trials["seed"].unique()), columns=list(TRAININGS)
        )
        pre = hits[hits["training"] == THEN].groupby("seed")["pre_j"].mean()
        return energies.assign(
            first_j=energies[FIRST],
            scratch_j=energies[SECOND],
            pre_j=pre,
            fine_j=energies[THEN] - pre,
            both_j=energies[BOTH],
        )[["first_j", "scratch_j", "pre_j", "fine_j", "both_j"]].astype(float)

    @property
    def fine_over_scratch(self) -> Quantity | None:
        """Energy of fine-tuning over training from scratch, paired within a repetition."""
        return quantity(interval(self.per_seed["fine_j"] / self.per_seed["scratch_j"]))

    @property
    def both_over_singles(self) -> Quantity | None:
        """Energy of one network for both halves over that of two, paired within a repetition."""
        per_seed = self.per_seed
        return quantity(
            interval(per_seed["both_j"] / (per_seed["first_j"] + per_seed["scratch_j"]))
        )

    @property
    def epochs_told(self) -> str:
        """What the joint training took beside the single ones, in words; empty if not known."""
        hits = self.trials[self.trials["hit"]]
        medians = hits.groupby("training")["epochs"].median().dropna()
        if not {FIRST, SECOND, BOTH} <= {*medians.index}:
            return ""
        first, second, both = (f"{medians[each]:g}" for each in (FIRST, SECOND, BOTH))
        return (
            f" had both tasks at the target at once after {both} epochs, the single ones after "
            f"{first} and {second}: it"
        )

    def whole(self, *columns: str) -> tuple[int, str]:
        """How many repetitions have some columns; and how many lack one, in words, if any do."""
        n = len(self.per_seed[list(columns)].dropna())
        missing = len(self.per_seed) - n
        if not missing:
            return n, ""
        return n, (
            f"in {missing} of {len(self.per_seed)} repetitions a training did not reach "
            f"{self.target}, or did not end"
        )


PRETRAINING = (
    "A pretrained network learns another task to the same accuracy for less energy than a new one"
)
AMORTISED = "Pretraining is paid back once its network is fine-tuned to enough tasks"
MULTITASK = "One network with two heads reaches the same accuracy for less energy than two networks"


def claims_of(parts: Sequence[Halves]) -> Iterator[Claim]:
    """The paper's claims on pretraining and on multitask training, for each recipe."""
    for part in parts:
        recipe = f" ({part.recipe})." if len(parts) > 1 else "."
        yield _saving(
            PRETRAINING + recipe,
            part.fine_over_scratch,
            "fine-tuning to the second half of the classes took {ratio} times the energy of "
            "training from scratch",
            *part.whole(*PRETRAINED),
        )
        yield _amortised(AMORTISED + recipe, part)
        yield _saving(
            MULTITASK + recipe,
            part.both_over_singles,
            f"the joint training{part.epochs_told} took {{ratio}} times the energy of the two "
            "single ones",
            *part.whole("both_j", "first_j", "scratch_j"),
        )


def unsaid() -> Iterator[Claim]:
    """The same where no halves of classes were trained."""
    for statement in (PRETRAINING, AMORTISED, MULTITASK):
        yield Claim(f"{statement}.", None, None, None, "no training has p.training")


def _saving(statement: str, ratio: Quantity | None, found: str, n: int, lost: str) -> Claim:
    """A claim that a ratio is below 1: by its interval, at `MIN_RUNS` repetitions or more."""
    if ratio is None or ratio.value is None:
        return Claim(statement, None, None, None, lost or "no repetition has all that is compared")
    why = found.format(ratio=in_words(ratio))
    low, high = ratio.low, ratio.high
    holds = None
    if n < MIN_RUNS or low is None or high is None:
        why += f", but {MIN_RUNS} repetitions are needed to conclude anything"
    elif high < 1 and lost:
        why += f", but {lost}, so that the others may be the lucky ones"
    elif low <= 1 <= high:
        why += ", so that neither a saving nor a loss is shown"
    else:
        holds = high < 1
    return Claim(statement, None, ratio, holds, why)


def _amortised(statement: str, halves: Halves) -> Claim:
    found = Amortised.of(halves.per_seed)
    if found is None:
        return Claim(statement, None, None, None, "no repetition has all that is compared")
    tasks, (n, lost) = found.break_even, halves.whole(*PRETRAINED)
    if tasks.value is None:
        why = "fine-tuning took no less than training from scratch on the mean"
        if tasks.low is not None:
            why += f", though {tasks.low:.3g} tasks or more are not ruled out"
        shown = n >= MIN_RUNS and tasks.low is None
        return Claim(statement, None, tasks, False if shown else None, why)
    why = f"the joules of pretraining equal what fine-tuning saves after {tasks.value:.3g} tasks"
    if n < MIN_RUNS:
        return Claim(statement, None, tasks, None, f"{why}, but {n} repetitions conclude nothing")
    saving = halves.fine_over_scratch
    if tasks.high is None or saving is None or saving.high is None or saving.high >= 1:
        least = "" if tasks.low is None else f" ({tasks.low:.3g} at least)"
        return Claim(statement, None, tasks, None, f"{why}{least}, but it may as well be never")
    if lost:
        return Claim(statement, None, tasks, None, f"{why}, but {lost}")
    return Claim(statement, None, tasks, True, why)


def sheet_of(parts: Sequence[Halves]) -> Sheet:
    """Joules and epochs of each training."""
    rows = []
    for part in parts:
        for training in TRAININGS:
            rows_of = part.trials[part.trials["training"] == training]
            name = training if len(parts) == 1 else f"{training}, {part.recipe}"
            hit = rows_of[rows_of["hit"]]
            spent = quantity(interval(hit["energy_j"]), "J")
            epochs = quantity(interval(hit["epochs"]))
            rows.append((name, f"{len(hit)} of {len(rows_of)}", spent, epochs))
    return Sheet(
        "halves",
        "Halves of the classes, one by one and together",
        f"Medians of the trainings that reached {parts[0].target}: what one network that learns "
        "both, and one that goes on from the other, takes beside the two.",
        ("training", "reached", "energy", "epochs"),
        tuple(rows),
    )


def plot_of(halves: Halves) -> Plot | None:
    """Total joules over tasks, with pretraining and without; None without a whole repetition."""
    found = Amortised.of(halves.per_seed)
    if found is None:
        return None
    tasks = found.break_even
    last = LEAST_TASKS if tasks.value is None else max(LEAST_TASKS, 2 * math.ceil(tasks.value))
    step = max(1, last // 25)
    counts = tuple(range(0, last + 1, step))
    totals = [found.totals_j(count) for count in counts]
    names = ("pretrained once, then fine-tuned", "each from scratch")
    series = tuple(
        Series.of(name, map(float, counts), [each[k] for each in totals], style="line")
        for k, name in enumerate(names)
    )
    mark = () if tasks.value is None else (Mark(f"paid back after {tasks.value:.3g}", tasks.value),)
    note = "The lines do not cross: fine-tuning saves nothing on the mean." if not mark else ""
    return Plot(
        f"amortised-{identifier(halves.recipe)}",
        f"Energy of many tasks, pretrained and from scratch, {halves.recipe}",
        "Where the lines cross, pretraining has been paid back; means of the repetitions with "
        "their 95 % intervals.",
        x=Axis("tasks"),
        y=Axis("energy in all", "J"),
        series=series,
        marks=mark,
        notes=(note,) if note else (),
    )
