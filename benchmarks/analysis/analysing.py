"""All statistics of a trial table, by group and strategy, as facts.

    analysis = perjoule.analyse(perjoule.load_table("theirs.csv", by="dataset"), target="95%")
    print(analysis.headline)

``CONTRACT.md`` says what each number means, its unit, and where it comes from.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import notebooks
from ...energy.quantities import format_energy
from ...files.writing import check_new, write_whole
from ...models.metric import Metric
from ...version import __version__
from ..statistics.ranks import friedman
from ..tables.facts import Fact
from . import naming, wording
from .criteria import FRACTIONS
from .facts import ByCriterion, GroupFacts, Ranks, RanksBy, Spread, StrategyFacts, as_fact
from .groups import group_facts
from .naming import format_score
from .orientation import worst_bound
from .target import DEFAULT_TARGET, parse_target

if TYPE_CHECKING:
    from ..tables.table import Table

SCHEMA = 4


@dataclass(frozen=True)
class Analysis(Fact):
    """All statistics of a trial table; a notebook shows a table for each of its groups.

    Attributes:
        schema: Version of the JSON that ``to_dict`` gives, see ``CONTRACT.md``.
        perjoule: The version that made it.
        table: Name of the table.
        by: Names of the group columns.
        metric: What scores are of, and which way is better.
        target: The score to reach, as it was asked for.
        fractions: Shares of the common energy at which scores are compared.
        groups: The numbers of each group, in the order of their values.
        counts: How many groups each strategy wins, by criterion.
        ranks: Ranks over the groups.
        headline: The finding or findings that the runs support, in a sentence.
        because: What the headline rests on, the other finding, and who is best at any time.
        notes: What was odd, and what is to be held against the numbers, in sentences.
    """

    schema: int
    perjoule: str
    table: str
    by: tuple[str, ...]
    metric: Metric
    target: str
    fractions: tuple[float, ...]
    groups: tuple[GroupFacts, ...]
    counts: ByCriterion[Mapping[str, int]]
    ranks: RanksBy
    headline: str
    because: str
    notes: tuple[str, ...]

    @property
    def caveats(self) -> list[str]:
        """The notes that the headline and its reasons do not say already."""
        return [note for note in self.notes if note not in self.because]

    @property
    def winners(self) -> list[dict[str, Any]]:
        """Who wins in each group: the values of the group as ``by``, then a name per criterion."""
        return [{"by": dict(group.by), **group.winners.to_dict()} for group in self.groups]

    @property
    def sentences(self) -> list[str]:
        """What each group shows, in plain words."""
        told = ((g.by, g.verdict) for g in self.groups)
        return [
            wording.labelled(by, f"{verdict.sentence} {verdict.reason}".strip())
            for by, verdict in told
        ]

    def write(self, path: str | Path, *, force: bool = False) -> None:
        """Write all numbers as JSON, whole or not at all, over a file only by force.

        Raises:
            OutputError: The file cannot be written, or is there.
        """
        check_new(Path(path), force=force)
        text = json.dumps(self.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_whole(Path(path), lambda part: part.write_text(text, encoding="utf-8"))

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of the strategies for each group, winners in bold."""
        groups = "".join(
            f"{strategies_html(group)}{notebooks.paragraph(sentence)}"
            for group, sentence in zip(self.groups, self._verdicts, strict=True)
        )
        return notebooks.headed(self.table) + groups + notebooks.sentences(self.notes)

    @property
    def _verdicts(self) -> list[str]:
        told = (group.verdict for group in self.groups)
        return [f"{verdict.sentence} {verdict.reason}".strip() for verdict in told]


def analyse(table: Table, target: str | float = DEFAULT_TARGET) -> Analysis:
    """Work out all statistics of a trial table; `api.analyse` describes the target."""
    metric = table.metric
    wanted = parse_target(target, metric)
    parts = table.groups
    groups = tuple(group_facts(by, part, wanted) for by, part in parts)
    ranked = [name for name in table.strategies if all(name in g.strategies for g in groups)]
    notes = [
        note
        for group, (_, part) in zip(groups, parts, strict=True)
        for note in wording.notes(group, part)
    ]
    if len(groups) > 1 and len(ranked) < len(table.strategies):
        notes.append(
            f"Strategies that are in every group, and ranked: {', '.join(ranked) or 'none'}."
        )
    counts, on_target = _counts(groups), naming.target_note(groups)
    ranks = RanksBy(
        _ranks(groups, ranked, metric, lambda own: own.equal_energy["1.0"]),
        _ranks(groups, ranked, metric, lambda own: own.anytime),
    )
    return Analysis(
        schema=SCHEMA,
        perjoule=__version__,
        table=table.name,
        by=tuple(table.by),
        metric=metric,
        target=wanted.text,
        fractions=FRACTIONS,
        groups=groups,
        counts=counts,
        ranks=ranks,
        headline=wording.headline(groups, counts, metric),
        because=wording.because(groups, counts, ranks, metric),
        notes=tuple(dict.fromkeys(filter(None, [on_target, *table.notes, *notes]))),
    )


def _counts(groups: tuple[GroupFacts, ...]) -> ByCriterion[Mapping[str, int]]:
    """How many groups each strategy wins, by criterion; groups without a winner count nowhere."""
    *equal, to_target, anytime = (
        dict(Counter(name for name in won if name is not None).most_common())
        for won in zip(*(group.winners.all for group in groups), strict=True)
    )
    return ByCriterion(dict(zip(map(str, FRACTIONS), equal, strict=True)), to_target, anytime)


def _ranks(
    groups: tuple[GroupFacts, ...],
    names: list[str],
    metric: Metric,
    get: Callable[[StrategyFacts], Spread | None],
) -> Ranks | None:
    """How strategies rank over groups; None if there are not two of both."""
    import pandas as pd

    def score(own: StrategyFacts) -> float:
        found = get(own)
        if found is not None:
            return metric.oriented(found.median)
        # Without a result, the last rank.
        return math.nan if own.energy_j is None else worst_bound(metric)

    rows = [[score(group.strategies[name]) for name in names] for group in groups]
    scores = pd.DataFrame(rows, columns=names, dtype=float)
    if len(names) < 2 or len(scores.dropna()) < 2:
        return None
    return as_fact(Ranks, friedman(scores))


def strategies_html(group: GroupFacts) -> str:
    """A group's strategies as a notebook shows them, one row each."""

    def cell(name: str, text: str, winner: str | None) -> str:
        return notebooks.Best(text) if name == winner else text

    rows = [
        [
            name,
            cell(name, _spread(own.equal_energy["1.0"], group.metric), group.winners.at_end),
            cell(name, format_energy(own.energy_to_target.ert_j), group.winners.energy_to_target),
            cell(name, _spread(own.anytime, group.metric), group.winners.anytime),
            f"{own.energy_to_target.hits} of {own.energy_to_target.runs}",
        ]
        for name, own in group.strategies.items()
    ]
    target = "the target" if group.target.score is None else naming.target_score(group)
    heads = (
        "strategy",
        f"{group.metric.name} at {format_energy(group.common_j)}",
        f"expected joules to {target}",
        "anytime score",
        "runs that reached it",
    )
    return notebooks.table(heads, rows, wording.label(group.by))


def _spread(found: Spread | None, metric: Metric) -> str:
    """A median with its interval."""
    if found is None:
        return "n/a"
    median = format_score(found.median, metric)
    if found.low is None or found.high is None:
        return median
    low, high = (format_score(each, metric) for each in (found.low, found.high))
    return f"{median} [{low}, {high}]"
