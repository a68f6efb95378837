"""Which search needs the fewest joules, ours and other projects' side by side?

Each strategy (see `perjoule strategies`) and each installed peer (see `peers`) spends the same
virtual joules on the same tasks under the rules of a comparison (see `simulation`):

A. Recorded tables of `benchmarks/recorded`: the default space on digits and Fashion-MNIST. Joules
   and the best known accuracy are those of the table.
B. Synthetic surfaces (`benchmarks.replay.synthetic`), with the best accuracy by formula.
C. With `--live`, digits itself: a small `perjoule.compare` of our strategies, metered.

A run has the joules of `--trials` average random candidates. Its asks and tells are charged: their
CPU-seconds times `--watts`, the figure by which the tables were metered. With `--free-search`
nothing is charged, so that results are the same on every machine. Printed are, by task:

- joules to 95 % and 99 % of the best known accuracy: median with its bootstrap 95 % interval, and
  how many runs got there;
- ERT: expected joules if runs are restarted until one gets there (joules of all runs / hits);
- ERT over that of the best peer on that task and target, with a bootstrap 95 % interval;
- the anytime score, the final accuracy, and the share of the joules that searching took.

    python benchmarks/performance/strategies.py --seeds 10 --json strategies.json
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

from perjoule.benchmarks.performance.options import make_parser, write_figures
from perjoule.benchmarks.performance.peers import PEERS
from perjoule.benchmarks.performance.plays import (
    Entry,
    EntryResult,
    budget_of,
    objective_of,
    run_all,
    tasks,
)
from perjoule.benchmarks.performance.scores import SHARES, Score, TargetScore, overall, score_task
from perjoule.energy.quantities import format_energy
from perjoule.energy.sources.cpu.cores import usable_cores
from perjoule.tuners.registry import RECIPES

LIVE_J = 24.0
"""Of each live run, as much as the default comparison gives."""
LIVE_SEEDS = 5


def main() -> None:
    """Play all, and print the tables."""
    options = _options()
    scores = list(_simulated(options))
    if len(options.tasks) > 1:
        _show_overall(scores)
    found: dict[str, Any] = {
        "options": {key: str(value) for key, value in vars(options).items()},
        "scores": [asdict(score) for score in scores],
    }
    if options.live:
        found["live"] = _live([name for name in options.strategies if name in RECIPES])
    write_figures(options.json, found)


def _options() -> argparse.Namespace:
    parser = make_parser(__doc__, json=True)
    known = {"strategies": [*RECIPES, *PEERS], "tasks": tasks()}
    for name, help_text in (("strategies", "ours and peers"), ("tasks", "what is searched")):
        parser.add_argument(
            f"--{name}",
            type=lambda text: text.split(","),
            default=known[name],
            metavar="A,B",
            help=f"{help_text}; all if not given",
        )
    parser.add_argument("--seeds", type=int, default=10, help="runs per strategy and task")
    parser.add_argument("--trials", type=float, default=60, help="joules, in average candidates")
    parser.add_argument("--watts", type=float, default=4.0, help="per core, for the search")
    parser.add_argument("--free-search", action="store_true", help="charge no search")
    parser.add_argument("--fidelity", choices=["epochs", "joules"], default="epochs")
    parser.add_argument("--workers", type=int, default=usable_cores(), help="runs at a time")
    parser.add_argument("--live", action="store_true", help="run digits in earnest, too")
    options = parser.parse_args()
    for name, kind in (("strategies", "strategy"), ("tasks", "task")):
        unknown = [each for each in getattr(options, name) if each not in known[name]]
        for each in unknown:
            choices = ", ".join(known[name])
            print(f"There is no {kind} {each!r} here: choose from {choices}", file=sys.stderr)
        if unknown:
            sys.exit(2)
    return options


def _simulated(options: argparse.Namespace) -> Iterator[Score]:
    """Play task by task, and show each as it is done."""
    watts = 0.0 if options.free_search else options.watts
    entries = [
        Entry(task, name, seed, options.trials, watts, options.fidelity)
        for task, seed, name in product(options.tasks, range(options.seeds), options.strategies)
    ]
    by_task: dict[str, list[EntryResult]] = {task: [] for task in options.tasks}
    for count, result in enumerate(run_all(entries, options.workers), 1):
        task = result.entry.task
        done = by_task[task]
        done.append(result)
        print(f"\r{count} of {len(entries)} runs", end="", file=sys.stderr, flush=True)
        if len(done) == options.seeds * len(options.strategies):
            print(file=sys.stderr)
            done.sort(key=lambda each: (each.entry.strategy, each.entry.seed))
            best, budget_j = objective_of(task).best_score, budget_of(task, options.trials)
            scores = score_task(done, best, budget_j, options.watts, list(PEERS))
            _show(scores, best, budget_j)
            yield from scores


def _show(scores: Sequence[Score], best: float, budget_j: float) -> None:
    """The table of one task."""
    print(
        f"\n{scores[0].task}: best known accuracy {best:.2%}, {format_energy(budget_j)} a run, "
        f"{scores[0].runs} runs each; * is a peer"
    )
    head = f"{'':15}" + "".join(
        f" | {f'to {share:.0%}: median':>15} {'95 % interval':>15} {'hits':>5} {'ERT':>7} "
        f"{'of best peer':>17}"
        for share in SHARES
    )
    print(f"{head} | {'anytime':>7} {'final':>6} {'slices':>6} {'search':>6}")
    for score in scores:
        name = f"{score.strategy}{'*' if score.strategy in PEERS else ''}"
        cells = "".join(_cells(score.reached[share], score.runs) for share in SHARES)
        print(
            f"{name:15}{cells} | {score.anytime:7.3f} {score.final:6.3f} {score.slices:6.0f} "
            f"{score.search_share:6.1%}"
        )
        for error in score.errors:
            print(f"{'':15}   broke off: {error[:120]}")


def _cells(reached: TargetScore, runs: int) -> str:
    energy_j, ratio = reached.energy_j, reached.ratio
    span = f"{_joules(energy_j.low)}..{_joules(energy_j.high)}"
    over = f"{ratio.median:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
    return (
        f" | {_joules(energy_j.median):>15} {span:>15} {f'{reached.hits}/{runs}':>5} "
        f"{_joules(reached.ert_j):>7} {'' if math.isnan(ratio.median) else over:>17}"
    )


def _joules(energy_j: float) -> str:
    return "never" if math.isinf(energy_j) else f"{energy_j:.3g}"


def _show_overall(scores: Sequence[Score]) -> None:
    for share in SHARES:
        print(f"\nERT to {share:.0%} over that of the best peer, geometric mean over all tasks")
        for name, mean in overall(scores, share).items():
            text = "not reached on some task" if math.isinf(mean) else f"{mean:.2f}"
            print(f"   {name:15} {text}")


def _live(names: Sequence[str]) -> dict[str, Any]:
    """Our strategies on digits in earnest."""
    import perjoule

    with tempfile.TemporaryDirectory() as folder:
        result = perjoule.compare(
            dataset="digits",
            strategies=list(names),
            budget=f"{LIVE_J * LIVE_SEEDS * len(names)} J",
            seeds=LIVE_SEEDS,
            meter="cpu_time",
            out=Path(folder) / "live",
        )
    [group] = result.analysis.groups
    print(f"\ndigits in earnest: {group.verdict.sentence}")
    for name, own in group.strategies.items():
        reached = own.energy_to_target
        score = math.nan if own.score is None else own.score.median
        ert_j = math.inf if reached.ert_j is None else reached.ert_j
        print(
            f"   {name:15} accuracy {score:.3f}, target in {reached.hits} of {own.runs} runs "
            f"for {_joules(ert_j)} J, search {own.search_share or 0.0:.1%}"
        )
    return result.summary


if __name__ == "__main__":
    main()
