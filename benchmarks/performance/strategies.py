"""Which search needs the fewest joules, ours and other projects' side by side?

Each strategy (see `perjoule strategies`) and each installed peer (see `peers`) spends the same
virtual joules on the same tasks under the rules of a comparison (see `simulation`):

A. Recorded tables of `benchmarks/recorded`: the default space on digits and Fashion-MNIST. Its
   joules are those of the table, where the best known accuracy is from, too.
B. Synthetic surfaces (`benchmarks.replay.synthetic`), with the best accuracy by formula.
C. With `--live`, digits itself: a small `perjoule.compare` of our strategies, metered.

A run has the joules of `--trials` average random candidates. Its asks and tells are charged: their
CPU-seconds times `--watts`, the figure by which the tables were metered (`--free-search` charges
nothing, so that results are the same on every machine). Told are, by task:

- joules to 95 % and 99 % of the best known accuracy: median with its bootstrap 95 % interval, and
  how many runs got there;
- ERT: expected joules if runs are restarted until one gets there (joules of all runs / hits);
- ERT over that of the best peer on that task and target, with a bootstrap 95 % interval;
- the anytime score, the final accuracy, and the share of the joules that searching took.

    python benchmarks/performance/strategies.py --seeds 10 --json strategies.json
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

from perjoule.benchmarks.performance.peers import PEERS
from perjoule.benchmarks.performance.plays import (
    Entry,
    Result,
    budget_of,
    objective_of,
    run_all,
    tasks,
)
from perjoule.benchmarks.performance.scores import SHARES, Reached, Score, overall, score_task
from perjoule.energy.quantities import format_energy
from perjoule.tuners.registry import RECIPES

LIVE_J = 24.0
"""Of each live run, as much as the default comparison gives."""
LIVE_SEEDS = 5


def main() -> None:
    """Play all, and print the tables."""
    options = _options()
    names = options.strategies or [*RECIPES, *PEERS]
    fits = _known(names, [*RECIPES, *PEERS], "strategy") and _known(options.tasks, tasks(), "task")
    if not fits:
        sys.exit(2)
    scores = list(_simulated(options, names))
    if len({score.task for score in scores}) > 1:
        _show_overall(scores)
    found: dict[str, object] = {
        "options": {key: str(value) for key, value in vars(options).items()},
        "scores": [asdict(score) for score in scores],
    }
    if options.live:
        found["live"] = _live([name for name in names if name in RECIPES])
    if options.json:
        options.json.write_text(json.dumps(_plain(found), indent=1) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    listed = {"type": lambda text: text.split(","), "metavar": "A,B"}
    parser.add_argument("--seeds", type=int, default=10, help="runs per strategy and task")
    parser.add_argument("--strategies", **listed, help="ours and peers; all if not given")
    parser.add_argument("--tasks", **listed, default=tasks(), help="all if not given")
    parser.add_argument("--trials", type=float, default=60, help="joules, in average candidates")
    parser.add_argument("--watts", type=float, default=4.0, help="per core, for the search")
    parser.add_argument("--free-search", action="store_true", help="charge no search")
    parser.add_argument("--fidelity", choices=["epochs", "joules"], default="epochs")
    cores = os.cpu_count() or 1
    parser.add_argument("--workers", type=int, default=cores, help="runs at a time")
    parser.add_argument("--live", action="store_true", help="run digits in earnest, too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


def _known(names: Sequence[str], known: Sequence[str], kind: str) -> bool:
    unknown = [name for name in names if name not in known]
    for name in unknown:
        print(f"There is no {kind} {name!r} here: choose from {', '.join(known)}", file=sys.stderr)
    return not unknown


def _simulated(options: argparse.Namespace, names: Sequence[str]) -> Iterator[Score]:
    """Play task by task, and show each as it is done."""
    watts = 0.0 if options.free_search else options.watts
    entries = [
        Entry(task, name, seed, options.trials, watts, options.fidelity)
        for task, seed, name in product(options.tasks, range(options.seeds), names)
    ]
    by_task: dict[str, list[Result]] = {task: [] for task in options.tasks}
    for count, result in enumerate(run_all(entries, options.workers), 1):
        task = result.entry.task
        done = by_task[task]
        done.append(result)
        print(f"\r{count} of {len(entries)} runs", end="", file=sys.stderr, flush=True)
        if len(done) == options.seeds * len(names):
            print(file=sys.stderr)
            done.sort(key=lambda each: (each.entry.strategy, each.entry.seed))
            objective, budget_j = objective_of(task), budget_of(task, options.trials)
            best = objective.best_accuracy
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


def _cells(reached: Reached, runs: int) -> str:
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
            print(
                f"   {name:15} {'not reached on some task' if math.isinf(mean) else f'{mean:.2f}'}"
            )


def _live(names: Sequence[str]) -> dict[str, object]:
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
    sentence = result.summary["verdict"]["sentence"]
    print(f"\ndigits in earnest: {sentence}")
    for each in result.summary["strategies"]:
        reached, accuracy = each["energy_to_target"] or {}, each["accuracy"]["median"]
        print(
            f"   {each['strategy']:15} accuracy {accuracy:.3f}, target in {reached.get('hits', 0)} "
            f"of {each['runs']} runs for {_joules(reached.get('ert_j') or math.inf)} J, search "
            f"{each['search_share']:.1%}"
        )
    return result.summary


def _plain(value: Any) -> Any:
    """The same without what JSON has no word for: infinite and unknown become null."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    main()
