"""The tables that the strategies' benchmark prints."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from perjoule.benchmarks.performance.families import (
    BEST,
    RANKED_AT,
    FamilyCost,
    FamilyRanks,
    FamilyRatio,
)
from perjoule.benchmarks.performance.scores import SHARES, Score, TargetScore
from perjoule.benchmarks.performance.tasks import TaskFacts
from perjoule.benchmarks.performance.variants import VARIANTS
from perjoule.benchmarks.statistics.expected import ExpectedRatio
from perjoule.benchmarks.tables.table import counted
from perjoule.energy.quantities import format_energy
from perjoule.tuners.registry import RECIPES

_WIDTH = 17


def mark(name: str) -> str:
    """A strategy as tables name it: with a star if it is another project's."""
    ours = name in RECIPES or name in VARIANTS or ":" in name
    return name if ours else f"{name}*"


def task_lines(facts: TaskFacts, scores: Sequence[Score], subjects: Sequence[str]) -> Iterator[str]:
    """The table of one task."""
    share, metric = facts.metric.is_share, facts.metric
    best = f"{facts.best_score:.2%}" if share else f"{facts.best_score:.4g}"
    yield ""
    yield (
        f"{facts.task}: best known {metric.name} {best}, {format_energy(facts.budget_j)} a run "
        f"({facts.trials:g} average trainings); * is a peer"
    )
    shown = [name for name in subjects if any(score.strategy == name for score in scores)]
    head = f"{'':{_WIDTH}}"
    for target in SHARES:
        head += f" | {f'to {target:.0%}: median':>15} {'95 % interval':>20} {'hits':>5} {'ERT':>9}"
        head += "".join(f" {f'{name} over it'[-19:]:>19}" for name in shown)
    yield f"{head} | {'anytime':>7} {'final':>7} {'slices':>6} {'search':>6} {'ms/ask':>7}"
    for score in scores:
        cells = "".join(_cells(score.reached[each], score.runs, shown) for each in SHARES)
        yield (
            f"{mark(score.strategy):{_WIDTH}}{cells} | {score.anytime:7.3f} {score.final:7.4f} "
            f"{score.slices:6.0f} {score.search_share:6.1%} {score.ask_ms:7.3g}"
        )
        for error in score.errors:
            yield f"{'':{_WIDTH}}   broke off: {error[:120]}"


def _cells(reached: TargetScore, runs: int, subjects: Sequence[str]) -> str:
    energy_j = reached.energy_j
    span = f"{_joules(energy_j.low)}..{_joules(energy_j.high)}"
    over = "".join(f" {_ratio(reached.ratios.get(name)):>19}" for name in subjects)
    return (
        f" | {_joules(energy_j.median):>15} {span:>20} {f'{reached.hits}/{runs}':>5} "
        f"{_joules(reached.ert_j):>9}{over}"
    )


def _ratio(ratio: ExpectedRatio | None) -> str:
    """The ratio with its interval; where one of them never reached the target, its bound."""
    if ratio is None:
        return ""
    above, below = ratio.hits
    if not above and not below:
        return "neither"
    if not above or not below:
        bound = ratio.high if above else ratio.low
        return "one never" if math.isnan(bound) else f"{'<' if above else '>'} {bound:.2f}"
    value = f"{ratio.value:.2f}"
    return value if math.isnan(ratio.low) else f"{value} [{ratio.low:.2f}, {ratio.high:.2f}]"


def _joules(energy_j: float) -> str:
    return "never" if math.isinf(energy_j) else format_energy(energy_j)


def ratio_lines(family: str, n_tasks: int, ratios: Sequence[FamilyRatio]) -> Iterator[str]:
    """A subject beside its rivals, over all tasks of a family."""
    for share in SHARES:
        shown = [each for each in ratios if each.share == share]
        if not shown:
            continue
        yield ""
        yield (
            f"{family}, {counted(n_tasks, 'task')}: ERT of {shown[0].subject} to {share:.0%} over "
            "that of a rival"
        )
        yield (
            f"   {'rival':{_WIDTH}} {'mean':>6} {'95 % interval':>15} {'tasks':>6}  "
            "never reached by subject / rival / both   worst task"
        )
        for each in shown:
            task, worst = each.worst
            missed = " / ".join(str(len(each.missed[who])) for who in ("subject", "rival", "both"))
            name, at_worst = mark(each.rival), ""
            if each.rival == BEST:
                name, at_worst = BEST, f" (over {each.rivals[task]})"
            yield (
                f"   {name:{_WIDTH}} {each.mean:6.2f} "
                f"{f'{each.low:.2f} to {each.high:.2f}':>15} {len(each.by_task):6}  {missed:^39}  "
                f"{worst:.2f} {task}{at_worst}"
            )


RULE = """
mean: geometric, over tasks; intervals resample tasks and runs. Where the subject alone never
reached the target, its runs count as half a hit; where the rival alone never did, as one; where
neither did, the ratio is 1."""


def rank_lines(family: str, ranks: FamilyRanks) -> Iterator[str]:
    """Anytime ranks over a family."""
    if not ranks.runs:
        return
    yield ""
    yield (
        f"{family}: mean rank of the incumbent's score at shares of the budget, over "
        f"{counted(ranks.runs, 'pair')} of task and seed"
    )
    yield f"   {'':{_WIDTH}}" + "".join(f" {share:>6.0%}" for share in RANKED_AT)
    for name, own in ranks.ranks.items():
        yield f"   {mark(name):{_WIDTH}}" + "".join(f" {rank:6.2f}" for rank in own)
    if ranks.left_out:
        yield f"   not ranked, as some task lacks them: {', '.join(ranks.left_out)}"


def cost_lines(family: str, costs: Sequence[FamilyCost], watts: float) -> Iterator[str]:
    """What searching takes, and forecasts, over a family."""
    yield ""
    yield f"{family}: search at {watts:g} W a core, and forecasts of scores (80 % intervals)"
    for cost in costs:
        search = f"{cost.ask_ms:8.3g} ms an ask, {cost.search_share:6.1%} of the joules"
        line = f"   {mark(cost.strategy):{_WIDTH}} {search}"
        total = cost.coverage
        if total.n:
            by_epochs = ", ".join(
                f"from epoch {first} {each.coverage:.0%} of {each.n}"
                for first, each in cost.forecasts.items()
            )
            line += (
                f"; {total.coverage:.1%} of {total.n} scores inside, {total.below / total.n:.1%} "
                f"below, {total.above / total.n:.1%} above ({by_epochs})"
            )
        yield f"{line}; {cost.version}"


def ablation_lines(
    family: str, rows: Sequence[tuple[FamilyRatio, FamilyRatio | None]]
) -> Iterator[str]:
    """Variants beside their bases: each ratio to the base, and one to the best of rivals."""
    if not rows:
        return
    yield ""
    yield f"{family}: variants, ERT over that of the strategy that they vary, and of the best rival"
    for over_base, over_best in rows:
        parts = [
            f"{each.mean:.2f} ({each.low:.2f} to {each.high:.2f}) of {each.rival}, worst "
            f"{each.worst[1]:.2f} {each.worst[0]}"
            for each in (over_base, over_best)
            if each is not None
        ]
        yield f"   {over_base.subject:{_WIDTH}} to {over_base.share:.0%}: {'; '.join(parts)}"


def show(lines: Iterable[str]) -> None:
    """Print lines."""
    for line in lines:
        print(line)
