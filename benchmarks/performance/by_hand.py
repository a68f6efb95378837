"""What is written here beside what libraries do, for docs/dependencies.md.

    python benchmarks/performance/by_hand.py            # all that is installed
    python benchmarks/performance/by_hand.py dunn gp    # these

Both sides in turn, CPU time, the median of five, one thread (`OMP_NUM_THREADS=1`). Libraries that
perjoule does not need are installed for it alone: botorch, httpx, pint, python-dateutil,
scikit-posthocs.
"""

from __future__ import annotations

import argparse
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

DRAW = np.random.default_rng(0)


class Side(NamedTuple):
    """One way to do something."""

    name: str
    call: Callable[[], Any]


def ranks() -> Iterator[tuple[str, Side, Side]]:
    """Two samples of ten runs, by 10,000 of all splits."""
    from scipy.stats import permutation_test, rankdata

    from perjoule.benchmarks.statistics.permutation import rank_sum

    a, b = DRAW.random(10), DRAW.random(10)
    scores = rankdata(np.concatenate([a, b]))
    theirs = partial(
        permutation_test, (scores[:10], scores[10:]), lambda x, _, axis: x.sum(axis=axis),
        vectorized=True, n_resamples=10_000, rng=0,
    )  # fmt: skip
    yield "rank sums", Side("here", lambda: rank_sum(a, b)), Side("scipy", theirs)


def dunn() -> Iterator[tuple[str, Side, Side]]:
    """Every two of seven strategies with ten runs each."""
    from perjoule.benchmarks.statistics.inference import dunn_holm

    posthocs = import_module("scikit_posthocs")
    groups = {name: DRAW.random(10) for name in "abcdefg"}
    theirs = partial(posthocs.posthoc_dunn, [*groups.values()], p_adjust="holm")
    yield "Dunn and Holm", Side("here", lambda: dunn_holm(groups)), Side("scikit-posthocs", theirs)


def gp() -> Iterator[tuple[str, Side, Side]]:
    """Fit a process to trials of 14 features, and ask it about 512 points."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    from perjoule.tuners.parts.surrogate import GaussianProcess

    asked = DRAW.random((512, 14))
    lengths: Any = np.ones(14)
    kernel = ConstantKernel() * Matern(lengths, nu=2.5) + WhiteKernel()
    for n in (20, 50, 100):
        x = DRAW.random((n, 14))
        y = np.sin(3 * x[:, 0]) + x[:, 1] + 0.05 * DRAW.standard_normal(n)

        def ours(x: Any = x, y: Any = y) -> None:
            GaussianProcess.fit(x, y).predict(asked)

        def sklearns(x: Any = x, y: Any = y) -> None:
            model = GaussianProcessRegressor(kernel, normalize_y=True).fit(x, y)
            model.predict(asked, return_std=True)

        yield f"GP, {n} trials", Side("here", ours), Side("scikit-learn", sklearns)
        if botorchs := _botorch(x, y, asked):
            yield f"GP, {n} trials", Side("here", ours), Side("botorch", botorchs)


def _botorch(x: Any, y: Any, asked: Any) -> Callable[[], None] | None:
    try:
        models, fit = import_module("botorch.models"), import_module("botorch.fit")
        likelihoods = import_module("gpytorch.mlls")
    except ImportError:
        return None
    import torch

    points, values = torch.tensor(x), torch.tensor(y)[:, None]

    def call() -> None:
        model = models.SingleTaskGP(points, values)
        fit.fit_gpytorch_mll(likelihoods.ExactMarginalLogLikelihood(model.likelihood, model))
        model.posterior(torch.tensor(asked)).variance.detach()

    return call


def anova() -> Iterator[tuple[str, Side, Side]]:
    """What eight hyperparameters explain of 150 trials, by 100 trees."""
    import optuna

    from perjoule.benchmarks.statistics.forests import Forest

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    x = DRAW.random((150, 8))
    y = np.sin(3 * x[:, 0]) + x[:, 1]
    axes: dict[str, Any] = {f"x{i}": optuna.distributions.FloatDistribution(0, 1) for i in range(8)}
    study = optuna.create_study()
    for point, value in zip(x, y, strict=True):
        params = dict(zip(axes, point, strict=True))
        study.add_trial(optuna.create_trial(params=params, distributions=axes, value=value))
    theirs = optuna.importance.FanovaImportanceEvaluator(n_trees=100, seed=0)
    here = Side("here", lambda: Forest.grow(x, y).shares)
    yield "functional ANOVA", here, Side("optuna", lambda: theirs.evaluate(study))


def scores() -> Iterator[tuple[str, Side, Side]]:
    """Metrics of 360 samples of ten classes."""
    import torch
    from sklearn.metrics import f1_score, roc_auc_score

    from perjoule.models.scoring import auc, f1

    logits, labels = torch.randn(360, 10), torch.arange(360) % 10
    truth, chances = labels.numpy(), logits.double().softmax(1).numpy()
    theirs = partial(roc_auc_score, truth, chances, multi_class="ovr")
    yield "auc", Side("here", lambda: auc(logits, labels)), Side("scikit-learn", theirs)
    theirs = partial(f1_score, truth, chances.argmax(1), average="macro")
    yield "macro F1", Side("here", lambda: f1(logits, labels)), Side("scikit-learn", theirs)


def texts() -> Iterator[tuple[str, Side, Side]]:
    """One amount of energy, and one moment."""
    from perjoule.energy.quantities import parse_energy
    from perjoule.energy.sources.recorded.times import TimeColumn

    cell, column = "2026/05/31 10:00:00.123", TimeColumn(0)
    pint, dateutil = import_module("pint"), import_module("dateutil.parser")
    quantity = pint.UnitRegistry().Quantity
    theirs = Side("pint", lambda: quantity("5 kJ").to("J").m)
    yield "an amount", Side("here", lambda: parse_energy("5 kJ")), theirs
    here = Side("here", lambda: column.read([cell]))
    yield "a moment", here, Side("dateutil", lambda: dateutil.parse(cell))


def areas() -> Iterator[tuple[str, Side, Side]]:
    """The hypervolume of 2,000 points, by the library that is used and by Optuna's own part."""
    from moocore import hypervolume

    theirs = import_module("optuna._hypervolume").compute_hypervolume
    points, corner = DRAW.random((2_000, 2)), np.ones(2)
    here = Side("moocore", lambda: hypervolume(points, ref=corner))
    yield "hypervolume", here, Side("optuna", lambda: theirs(points, corner))


def meters() -> None:
    """How long a device that sends a byte every 0.2 s is waited for, with a timeout of 1 s."""
    from perjoule.energy.sources.wattmeter.device import Endpoint, HttpDevice

    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_drip, args=(listening,), daemon=True).start()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    device = HttpDevice(Endpoint("device", urlsplit(url), "w", "W", "", ""), 1.0)
    theirs = import_module("httpx")
    for name, ask in (("here", device.ask), ("httpx", lambda: theirs.get(url, timeout=1.0))):
        began = time.perf_counter()
        try:
            ask()
            ended = "an answer"
        except Exception as error:  # noqa: BLE001 - of whatever library
            ended = type(error).__name__
        print(f"{'a slow device':18} {name:15} {time.perf_counter() - began:9.1f} s, {ended}")


def _drip(listening: socket.socket) -> None:
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    connection.recv(1_000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n")
    for _ in range(40):
        time.sleep(0.2)
        try:
            connection.sendall(b" ")
        except OSError:
            return


COMPARED = {each.__name__: each for each in (ranks, dunn, gp, anova, scores, texts, areas)}


def cpu_ms(call: Callable[[], Any]) -> float:
    """CPU-milliseconds of a call: the median of five rounds, of many calls where one is short."""
    began = time.process_time()
    call()
    count = max(1, int(0.01 / max(time.process_time() - began, 1e-6)))
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(count):
            call()
        rounds.append((time.process_time() - began) / count)
    return 1000 * median(rounds)


def main() -> None:
    """Print both sides of each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join([*COMPARED, 'meters'])}")
    wanted = parser.parse_args().names
    warnings.simplefilter("ignore")
    for name, sides in COMPARED.items():
        if wanted and name not in wanted:
            continue
        try:
            for what, *both in sides():
                for side in both:
                    print(f"{what:18} {side.name:15} {cpu_ms(side.call):9.3g} ms", flush=True)
        except ImportError as error:
            print(f"{name}: {error}")
    if not wanted or "meters" in wanted:
        meters()


if __name__ == "__main__":
    main()
