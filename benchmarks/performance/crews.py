"""Crews of worker processes that train the same candidates: of perjoule, of others, and bare.

Each is called in a process of its own and trains with the same function: perjoule's network, data
and loop, one thread for each worker. What it returns is when each training began and ended.

*bare* is what the machine can do: processes that know nothing of each other, each with its share of
the candidates, and nothing to ask, meter or record. *optuna* is a study in a journal file that as
many processes as there are workers open, each with its share of the trials; the candidates are
enqueued, so its random sampler has only their numbers to look up. *ray* is Ray Tune with a CPU for
each trial, a grid over the same numbers, and processes that go on with the next trial; without
that (`reuse_actors`, off by default for functions) each trial starts Python and loads PyTorch anew,
3.7 CPU-seconds in place of 0.23. Where `amdsmi` is installed without AMD's library Ray 2.60 fails.
"""

from __future__ import annotations

import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perjoule.benchmarks.performance.processes import answer_of, call

if TYPE_CHECKING:
    from perjoule.models.network_training import NetworkTraining

Candidate = dict[str, Any]
Span = tuple[float, float, float]
"""Unix seconds at which a training began and ended, and the CPU-seconds that it took."""

EPOCHS = 2
WATTS = 10.0  # of a busy core, so that joules tell CPU-seconds
METER = f"cpu_time:{WATTS:g}"


@cache
def _training() -> NetworkTraining:
    """The training of this process, with its data."""
    import torch

    from perjoule.models.data import load
    from perjoule.models.network_training import NetworkTraining
    from perjoule.models.runtime import Runtime

    torch.set_num_threads(1)
    return NetworkTraining(load("digits"), Runtime.detect("cpu"))


def _train(candidate: Candidate) -> tuple[float, Span]:
    """Train a candidate: its score, and when that was."""
    from perjoule.models.training import evaluate, train_epoch

    training = _training()
    began_s, began_cpu_s, score = time.time(), time.process_time(), 0.0
    built = training.build(candidate, 0)
    for epoch in range(candidate["epochs"]):
        train_epoch(built, training.data.train, 0, epoch, lambda: False)
        found = evaluate(built.network, training.data.validation, built.runtime, lambda: False)
        assert found is not None
        score = found.score
    return score, (began_s, time.time(), time.process_time() - began_cpu_s)


def train_all(candidates: list[Candidate]) -> list[Span]:
    """What a bare process does."""
    return [_train(each)[1] for each in candidates]


def bare(folder: str, candidates: list[Candidate], workers: int) -> list[Span]:
    """Processes without anything between them."""
    del folder
    crew = [call(train_all, candidates[first::workers]) for first in range(workers)]
    return [tuple(span) for each in crew for span in answer_of(each)]


def perjoule(folder: str, candidates: list[Candidate], workers: int) -> list[Span]:
    """A comparison of one run of random search, which gives the candidates if there are none."""
    from perjoule import compare
    from perjoule.models.networks.registry import default_space

    compare(
        out=folder,
        strategies=["random"],
        seeds=1,
        trials=len(candidates),
        space={**default_space("cnn", "digits"), "epochs": EPOCHS},
        meter=METER,
        workers=workers,
        parallel_trials=workers,
    )
    rows = trials_in(Path(folder))
    key = lambda each: sorted(each.items())  # noqa: E731
    found = [row["params"] for row in rows]
    if any(candidates) and sorted(map(repr, map(key, found))) != sorted(
        map(repr, map(key, candidates))
    ):
        raise RuntimeError("perjoule trained other candidates than before")
    return [
        (row["started_at"], row["started_at"] + row["duration_s"], row["energy_j"] / WATTS)
        for row in rows
    ]


def trials_in(folder: Path) -> list[dict[str, Any]]:
    """The trials in the ledger of a run folder, as it has them."""
    import json

    lines = map(json.loads, (folder / "ledger.jsonl").read_text("utf-8").splitlines())
    return [line for line in lines if line["event"] == "slice"]


def _open_study(path: str) -> Any:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna.create_study(
        study_name="digits",
        storage=JournalStorage(JournalFileBackend(path)),
        sampler=optuna.samplers.RandomSampler(seed=0),
        direction="maximize",
        load_if_exists=True,
    )


def work_for_optuna(path: str, candidates: list[Candidate], trials: int) -> list[Span]:
    """What one of Optuna's processes does."""
    spans: list[Span] = []

    def objective(trial: Any) -> float:
        number = trial.suggest_int("number", 0, len(candidates) - 1)
        score, span = _train(candidates[number])
        spans.append(span)
        return score

    _open_study(path).optimize(objective, n_trials=trials)
    return spans


def optuna(folder: str, candidates: list[Candidate], workers: int) -> list[Span]:
    """Optuna's processes on one journal."""
    path = f"{folder}.log"
    study = _open_study(path)
    for number in range(len(candidates)):
        study.enqueue_trial({"number": number})
    shares = [len(candidates[first::workers]) for first in range(workers)]
    crew = [call(work_for_optuna, path, candidates, share) for share in shares]
    return [tuple(span) for each in crew for span in answer_of(each)]


def _work_for_ray(config: dict[str, Any]) -> None:
    from ray import tune  # type: ignore[import-not-found]

    score, (began_s, ended_s, cpu_s) = _train(config["candidates"][config["number"]])
    tune.report({"score": score, "began_s": began_s, "ended_s": ended_s, "cpu_s": cpu_s})


def ray(folder: str, candidates: list[Candidate], workers: int) -> list[Span]:
    """Ray Tune's processes."""
    import logging

    import ray as cluster  # type: ignore[import-not-found]
    from ray import tune  # type: ignore[import-not-found]

    cluster.init(
        num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    results = tune.Tuner(
        tune.with_resources(_work_for_ray, {"cpu": 1}),
        param_space={
            "candidates": candidates,
            "number": tune.grid_search(list(range(len(candidates)))),
        },
        tune_config=tune.TuneConfig(metric="score", mode="max", reuse_actors=True),
        run_config=tune.RunConfig(storage_path=f"{folder}-ray", verbose=0),
    ).fit()
    told = [each.metrics or {} for each in results]
    spans = [(each["began_s"], each["ended_s"], each["cpu_s"]) for each in told]
    cluster.shutdown()
    return spans


CREWS = {"bare": bare, "perjoule": perjoule, "optuna": optuna, "ray": ray}
NEEDS = {"ray": "ray[tune]"}
"""What must be installed for a crew, beside perjoule."""


def missing() -> dict[str, str]:
    """The crews that cannot work here, and what they need."""
    return {name: need for name, need in NEEDS.items() if not find_spec(need.partition("[")[0])}
