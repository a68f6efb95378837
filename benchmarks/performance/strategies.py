"""Which search needs the fewest joules, ours and other projects' side by side?

Each strategy (see `perjoule strategies`), variant (see `variants`) and installed peer (see `peers`)
spends the same virtual joules on the same tasks (see `tasks`) under the rules of a comparison (see
`simulation`): recorded tables, surfaces by formula, and the tables of each folder of ``--tables``.
With ``--live`` digits is searched in earnest besides.

A run has the joules of ``--trials`` average trainings: random candidates trained to the longest
epochs. Its asks and tells are charged: their CPU-seconds times ``--watts``. With ``--free-search``
nothing is charged, so that results are the same on every machine.

Printed are, by task, joules to 95 % and 99 % of the best known score (median with its bootstrap
95 % interval, hits, ERT: expected joules if runs are restarted until one gets there) and each
subject's ERT over that of every other strategy; and over all tasks of a family (see `families`) the
geometric mean of that, the worst task, anytime ranks, what searching took and how often forecasts
held.

With ``--record FILE`` runs are kept as they end, and the same command goes on where it was broken
off. What is kept there and in the files of ``--recorded`` stands beside what is run, so that peers
need not be installed.

    python benchmarks/performance/strategies.py --tables FOLDER --free-search --record runs.jsonl.gz
    python benchmarks/performance/strategies.py --recorded runs.jsonl.gz --strategies none
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from perjoule.benchmarks.performance import peers
from perjoule.benchmarks.performance.families import (
    BEST,
    FamilyRatio,
    family_costs,
    family_ranks,
    family_ratios,
)
from perjoule.benchmarks.performance.gathering import Gathering, Wanted
from perjoule.benchmarks.performance.live import run_live
from perjoule.benchmarks.performance.options import make_parser, write_figures
from perjoule.benchmarks.performance.scores import SHARES, TaskRuns, score_task
from perjoule.benchmarks.performance.showing import (
    RULE,
    ablation_lines,
    cost_lines,
    rank_lines,
    ratio_lines,
    show,
    task_lines,
)
from perjoule.benchmarks.performance.variants import VARIANTS
from perjoule.energy.sources.cpu.cores import usable_cores
from perjoule.errors import PerjouleError, UnknownNameError
from perjoule.tuners.registry import RECIPES, parse_strategies

SUBJECT = "frugal"
RIVALS = ("random", "tpe", "asha", "hyperband")
"""Ours that a subject is set beside, besides all peers."""
BASELINES = ("one-epoch", "successive-halving", "asha-joules", "pasha")
"""Ours that are run too where nobody names strategies or rivals."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play all, and print the tables; returns the exit code."""
    options = argparse.Namespace(record=None)
    try:
        _parser().parse_args(arguments, options)
        _play(options)
    except PerjouleError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        kept = "nothing is kept: --record FILE keeps what is done"
        if options.record:
            kept = f"what is done is kept in {options.record}: the same command goes on"
        print(f"\nStopped; {kept}", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(__doc__, json=True)
    add = parser.add_argument
    add(
        "--strategies",
        type=parse_strategies,
        metavar="A,B",
        help="to run: ours, variants, peers; all, or none; default subjects, rivals and baselines",
    )
    add("--tasks", type=_listed, default=[], metavar="A,B", help="tasks or families; default all")
    add(
        "--tables",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="of tables, one subfolder each",
    )
    add("--subject", type=parse_strategies, metavar="A,B", help=f"default {SUBJECT}")
    add(
        "--rivals",
        type=parse_strategies,
        metavar="A,B",
        help=f"default {', '.join(RIVALS)} and all peers",
    )
    add(
        "--seeds",
        type=_positive,
        default=20,
        metavar="N",
        help="runs per strategy and task; default 20",
    )
    add("--trials", type=_above_0, default=40.0, metavar="N", help="average trainings; default 40")
    add("--watts", type=_above_0, default=4.0, metavar="W", help="of a core, for the search")
    add("--free-search", action="store_true", help="charge no search")
    add("--fidelity", choices=["epochs", "joules"], default="epochs", help="what rungs are made of")
    add("--record", type=Path, metavar="FILE", help="keep runs there, and go on with it")
    add(
        "--recorded",
        type=Path,
        action="extend",
        nargs="+",
        default=[],
        metavar="FILE",
        help="with the runs that are kept there",
    )
    add("--ablation", action="store_true", help="run and print all variants beside their bases")
    add("--jobs", type=_positive, default=usable_cores(), metavar="N", help="runs at a time")
    add("--live", action="store_true", help="search digits in earnest, too")
    return parser


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: give a number of at least 1")
    return value


def _above_0(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text}: give a number above 0")
    return value


def _play(options: argparse.Namespace) -> None:
    subjects = options.subject or [SUBJECT]
    gathering = Gathering(
        Wanted(
            options.trials,
            options.seeds,
            0.0 if options.free_search else options.watts,
            options.fidelity,
        ),
        options.tables,
        options.tasks,
        options.recorded,
        options.record,
    )
    tasks = gathering.gather(_to_run(options, subjects, gathering), options.jobs)
    names = list(dict.fromkeys(name for task in tasks for name in task.runs))
    if options.subject is None:
        subjects = [name for name in subjects if name in names]
    rivals = options.rivals
    if rivals is None:
        ours = {*RECIPES, *VARIANTS} - {*RIVALS}
        rivals = [name for name in names if name not in ours and ":" not in name]
    for kind, asked in (("subject", subjects), ("rival", rivals)):
        for name in asked:
            if name not in names:
                raise UnknownNameError(f"{kind}, without a run:", name, names)
    found = _show(tasks, subjects, rivals, options)
    if options.live:
        found["live"] = run_live([name for name in names if name in RECIPES])
    write_figures(options.json, found)


def _to_run(
    options: argparse.Namespace, subjects: Sequence[str], gathering: Gathering
) -> list[str]:
    """Names of the strategies to run; by default none of which there are recorded runs."""
    if options.strategies == ["none"]:
        return []
    if options.strategies is not None:
        names = list(options.strategies)
    else:
        rivals = options.rivals or [*RIVALS, *BASELINES, *peers.PEERS]
        names = [name for name in (*subjects, *rivals) if name not in gathering.recorded_names]
    if options.ablation:
        names += [name for each, variant in VARIANTS.items() for name in (variant.base, each)]
    return list(dict.fromkeys(names))


def _show(
    tasks: Sequence[TaskRuns],
    subjects: Sequence[str],
    rivals: Sequence[str],
    options: argparse.Namespace,
) -> dict[str, Any]:
    """Print all tables; returns the figures."""
    found: dict[str, Any] = {"tasks": [], "scores": [], "families": {}}
    found["options"] = {key: str(value) for key, value in vars(options).items()}
    for task in tasks:
        scores = score_task(task, subjects, options.watts)
        show(task_lines(task.facts, scores, subjects))
        found["tasks"].append(task.facts.to_dict())
        found["scores"] += map(asdict, scores)
    families = dict.fromkeys(task.facts.family for task in tasks)
    for family in families:
        own = [task for task in tasks if task.facts.family == family]
        found["families"][family] = _show_family(family, own, subjects, rivals, options)
    if subjects:
        print(RULE)
    return found


def _show_family(
    family: str,
    tasks: Sequence[TaskRuns],
    subjects: Sequence[str],
    rivals: Sequence[str],
    options: argparse.Namespace,
) -> dict[str, Any]:
    found: dict[str, Any] = {"ratios": [], "ablation": []}
    for subject in subjects:
        ratios = family_ratios(tasks, subject, rivals)
        show(ratio_lines(family, len(tasks), ratios))
        found["ratios"] += map(asdict, ratios)
    if options.ablation:
        rows = _ablated(tasks, rivals)
        show(ablation_lines(family, rows))
        found["ablation"] = [asdict(each) for row in rows for each in row if each is not None]
    ranks, costs = family_ranks(tasks), family_costs(tasks, options.watts)
    show(rank_lines(family, ranks))
    show(cost_lines(family, costs, options.watts))
    return {**found, "ranks": asdict(ranks), "costs": [asdict(cost) for cost in costs]}


def _ablated(
    tasks: Sequence[TaskRuns], rivals: Sequence[str]
) -> list[tuple[FamilyRatio, FamilyRatio | None]]:
    """Each variant over its base, and over the best of the rivals; by target."""
    rows = []
    for name, variant in VARIANTS.items():
        over_base = {each.share: each for each in family_ratios(tasks, name, [variant.base])}
        over_best = {
            each.share: each for each in family_ratios(tasks, name, rivals) if each.rival == BEST
        }
        rows += [(over_base[s], over_best.get(s)) for s in SHARES if s in over_base]
    return rows


if __name__ == "__main__":
    sys.exit(main())
