"""One run of a strategy on a task of the benchmark, and many of them side by side."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import perjoule
from perjoule.benchmarks.performance import peers
from perjoule.benchmarks.performance.records import RunRecord, record_of
from perjoule.benchmarks.performance.tasks import TaskFacts, TaskSource, fresh_objective
from perjoule.benchmarks.performance.variants import VARIANTS, recipe_of
from perjoule.benchmarks.replay.simulation import Terms, play
from perjoule.errors import PerjouleError
from perjoule.tuners.registry import RECIPES

MOST_TRIALS = 1_000
"""A run ends after so many: cheap trials may be thousands, and models of thousands take minutes."""
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Entry(NamedTuple):
    """A run of the benchmark."""

    source: TaskSource
    facts: TaskFacts
    strategy: str  # one of ours, of their variants or of the peers
    seed: int
    watts: float = 0.0  # of a core, by which asks and tells are charged
    fidelity: str = "epochs"  # what rungs are made of

    def blank(self) -> RunRecord:
        """What is known of the run before it is run."""
        return RunRecord(
            self.facts.task,
            self.strategy,
            version_of(self.strategy),
            self.seed,
            self.facts.trials,
            self.watts,
            self.fidelity,
            *((), (), 0.0, 0.0, 0.0, 0),
        )


def run(entry: Entry) -> RunRecord:
    """Let a strategy spend its budget; a fault of its own ends the run, as it does in earnest."""
    terms = Terms(
        entry.facts.budget_j,
        entry.seed,
        entry.strategy,
        watts=entry.watts,
        max_trials=MOST_TRIALS,
    )
    build = peers.PEERS.get(entry.strategy) or recipe_of(entry.strategy).build
    found = play(build, fresh_objective(entry.source), terms, fidelity=entry.fidelity)
    return record_of(found, entry.facts.metric, entry.blank())


def run_all(
    entries: Sequence[Entry], jobs: int, search_s: Mapping[str, float]
) -> Iterator[RunRecord]:
    """Run them side by side, each on one thread; in the order in which they end.

    Those that are expected to take longest begin first, so that no worker is left with one alone.
    If this is broken off, as by Ctrl-C, the workers are ended.

    Args:
        entries: The runs.
        jobs: How many at a time.
        search_s: CPU-seconds that a run of a strategy is known to take.

    Raises:
        PerjouleError: A worker died.
    """
    ordered = sorted(entries, key=lambda entry: -_expected_s(entry.strategy, search_s))
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_prepare)
    try:
        for future in as_completed([pool.submit(run, entry) for entry in ordered]):
            yield future.result()
    except BrokenProcessPool as error:
        raise PerjouleError(
            "a worker of the benchmark was killed, perhaps for its memory: with --record FILE the "
            "same command goes on, with fewer --jobs"
        ) from error
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    pool.shutdown()


def _prepare() -> None:
    """Make a worker quiet; the process that it works for answers Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    peers.quieten()


def _expected_s(strategy: str, search_s: Mapping[str, float]) -> float:
    """CPU-seconds of a run: as known, else a guess that tells models from plain draws."""
    if strategy in search_s:
        return search_s[strategy]
    if strategy in peers.PEERS:
        return 60.0
    return 1.0 if recipe_of(strategy).startup_trials is None else 30.0


def version_of(strategy: str) -> str:
    """What runs under the name of a strategy.

    Of a peer, its package and version; of ours, our version and a hash of all code of
    `perjoule.tuners` and of the options of a variant, so that no run of an earlier state counts as
    one of the present one.
    """
    if strategy in peers.PEERS:
        return peers.VERSIONS[strategy]
    return f"perjoule {perjoule.__version__} {_our_hash(strategy)}"


@cache
def _our_hash(strategy: str) -> str:
    digest = hashlib.sha256(_code())
    variant = VARIANTS.get(strategy)
    if variant is not None:
        digest.update(json.dumps([variant.base, variant.options], default=repr).encode())
    return digest.hexdigest()[:8]


@cache
def _code() -> bytes:
    folder = Path(perjoule.__file__).parent / "tuners"
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.digest()


def known_strategies() -> dict[str, Callable[..., Any]]:
    """Builders of ours, of their variants and of the installed peers, by name."""
    return {
        **{name: recipe_of(name).build for name in (*RECIPES, *VARIANTS)},
        **peers.PEERS,
    }
