"""What the command line and Python users call: compare, tune, report."""

from __future__ import annotations

import json
import time
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .benchmarks.comparison.description import check_same_meter, describe
from .benchmarks.comparison.experiment import Experiment, load_experiment
from .benchmarks.comparison.folder import Folder
from .benchmarks.comparison.messages import Setting
from .benchmarks.tables.table import Table as _Table
from .energy.exclusive import exclusive
from .energy.source import PowerSource, Scope, Source
from .energy.sources.cpu.cores import usable_cores
from .energy.sources.resolve import resolve
from .errors import ConfigurationError, OutputError
from .files import write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from torch import nn

    from .benchmarks.analysis import Analysis
    from .benchmarks.comparison.driver import Progress
    from .benchmarks.importers import Paths
    from .benchmarks.tables.loading import Loadable

RUNS = Path("runs")
DEFAULT_STRATEGY = "tpe"
DEFAULT_TUNE_BUDGET = "60 J"
DEFAULT_EPOCHS = 4
"""Epochs of every candidate where the space does not say."""


@dataclass(frozen=True)
class Result:
    """A comparison on disk.

    Attributes:
        folder: Its run folder.
        summary: What ``summary.json`` holds.
    """

    folder: Path
    summary: dict[str, Any]

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    @property
    def trials(self) -> pd.DataFrame:
        """The trial table."""
        import pandas as pd

        return pd.read_parquet(self.folder / "trials.parquet")

    @property
    def curves(self) -> pd.DataFrame:
        """The learning curves."""
        import pandas as pd

        return pd.read_parquet(self.folder / "curves.parquet")


def compare(
    experiment: str | Path | None = None,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    executor: Executor | None = None,
    progress: Progress | None = None,
    keep_weights: bool = False,
    **options: Any,
) -> Result:
    """Compare strategies by energy.

        result = perjoule.compare(strategies=["random", "tpe"], budget="200 J", seeds=5)
        print(result.summary["verdict"]["sentence"])

    Args:
        experiment: A YAML file; None for the defaults.
        out: The run folder; a new one under ``runs/`` if not given.
        resume: Go on with the comparison in ``out``; its experiment is taken from there.
        executor: Any PEP 3148 executor; by default this process or a pool.
        progress: Is told how it goes.
        keep_weights: Keep the weights of each run's best network in the folder.
        **options: Fields of the experiment laid over the file: ``dataset``, ``strategies``,
            ``budget``, ``seeds``, ``meter``, ``workers``, ``device``, ``architecture``, ``space``,
            ``split_seed``, ``carbon``.

    Returns:
        The result; after Ctrl-C its status is ``"interrupted"``.

    Raises:
        PerjouleError: Something in the experiment cannot be used; nothing is half-written then.
    """
    path = None if experiment is None else Path(experiment)
    if not resume:
        wanted = load_experiment(path, options)
        folder = Folder(_new_folder(wanted) if out is None else Path(out).absolute())
        folder.check_free()
        return _run(wanted, folder, None, executor, progress, keep_weights=keep_weights)
    if out is None:
        raise ConfigurationError("--resume needs --out: name the folder to go on with")
    folder = Folder(Path(out).absolute())
    description = folder.description()
    recorded = description["experiment"]
    wanted = load_experiment(path, options, recorded)
    for name, value in wanted.model_dump().items():
        if name != "workers" and value != recorded.get(name):
            raise ConfigurationError(
                f"{name} = {value!r}, but {folder.path} was begun with {recorded.get(name)!r}: "
                "leave it out to resume, or begin anew with another --out"
            )
    if keep_weights and not description["keep_weights"]:
        raise ConfigurationError(
            f"{folder.path} is a comparison, which keeps no weights: resume it with "
            "`perjoule compare`, or begin a search with another --out"
        )
    return _run(wanted, folder, description, executor, progress)


def tune(
    strategy: str | None = None,
    budget: str | float | None = None,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Result:
    """Search with one strategy until an energy budget is spent.

    The folder gets ``best.json`` (the best candidate and what it cost) and ``best.pt`` (its
    weights, see ``load_best``) beside all that a comparison writes.

    Args:
        strategy: Name of the strategy; ``"tpe"``, or that of the search resumed, if not given.
        budget: Joules to spend; ``"60 J"``, or those of the search resumed, if not given.
        out: The run folder; a new one under ``runs/`` if not given.
        resume: Go on with the search in ``out``.
        progress: Is told how it goes.
        **options: As for ``compare``: ``dataset``, ``meter``, ``device``, ``space`` …

    Raises:
        PerjouleError: Something cannot be used.
    """
    if not resume:
        strategy, budget = strategy or DEFAULT_STRATEGY, budget or DEFAULT_TUNE_BUDGET
    result = compare(
        out=out,
        resume=resume,
        progress=progress,
        keep_weights=True,
        strategies=strategy and [strategy],
        budget=budget,
        seeds=1,
        **options,
    )
    _write_best(result)
    return result


def report(folder: str | Path) -> Result:
    """Make tables, summary and report of a run folder again, from its ledger.

    Raises:
        OutputError: The folder holds no comparison.
    """
    return _derive(Folder(Path(folder).absolute()))


class Table(_Table):
    """A trial table, and what can be asked of it: see ``benchmarks/CONTRACT.md``."""

    def compare(self, target: str | float = "98%") -> Analysis:
        """Work out all statistics: see `analyse`."""
        return analyse(self, target)

    def replay(self, **options: Any) -> Table:
        """Let strategies search what the table recorded, for virtual joules: see `replay`."""
        return replay(self, **options)


def load_table(
    source: Loadable | Sequence[Loadable],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
) -> Table:
    """Read a trial table: a file, a run folder, a data frame; or several, which are read as one.

        table = perjoule.load_table("theirs.csv", by="dataset", mapping="energy_j=kwh*3.6e6")

    Args:
        source: A Parquet or CSV file, a run folder, a data frame or a table; or several. Any tidy
            table with the columns strategy, energy_j and accuracy will do; trial, seed and state
            may be there, and columns that are not of the contract are hyperparameters.
        by: Columns that group the trials, as names joined by commas: ``"dataset,machine"``. Of a
            run folder also what its experiment says (``dataset``, ``architecture``, ``meter`` …);
            ``source`` is the name of each table.
        mapping: Which columns are made of others: ``"accuracy=test_acc,energy_j=kwh*3.6e6"``.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
    """
    from .benchmarks.comparison.loading import load_table as load

    return _public(load(source, by=by, mapping=mapping))


def import_table(form: str, paths: Paths, **options: Any) -> Table:
    """Make a trial table of what another tool recorded.

        table = perjoule.import_table("codecarbon", "emissions.csv")

    Args:
        form: Name of the format, see ``perjoule import --help``.
        paths: Files of that format; for Optuna also the URL of a storage.
        **options: Fields of `benchmarks.importers.ImportOptions`.

    Raises:
        DataError: A file cannot be read, or is not of that format; the message says where.
        ConfigurationError: The format has no use for an option.
        UnknownNameError: There is no such format.
    """
    from .benchmarks.importers import import_table as load

    return _public(load(form, paths, **options))


def analyse(table: _Table, target: str | float = "98%") -> Analysis:
    """Work out all statistics of a trial table: who found the best networks for the joules.

    Args:
        table: The trials; what its ``by`` groups is compared apart.
        target: The accuracy to reach: a number or ``"0.95"`` as it is, ``"98%"`` as a share of the
            best accuracy in the group.

    Raises:
        ConfigurationError: The target is neither.
    """
    from .benchmarks.analysis import analyse as work_out

    return work_out(table, target)


def replay(table: _Table, **options: Any) -> Table:
    """Let strategies search what a table recorded, for virtual joules and without training.

        perjoule.replay(table, strategies=["tpe", "frugal"], budget="20 J per run", seeds=100)

    Args:
        table: The recorded trials.
        **options: As in `benchmarks.replay.replay`.

    Raises:
        PerjouleError: An option cannot be used, or the table cannot be replayed.
    """
    from .benchmarks.replay import replay as play

    return _public(play(table, **options))


def _public(table: _Table) -> Table:
    return Table(**vars(table))


def load_best(folder: str | Path) -> nn.Module:
    """Build the network that ``tune`` found best, with its weights, on the CPU.

    Raises:
        OutputError: The folder holds no ``best.json`` with weights.
    """
    import torch

    from .models.networks.registry import resolve_architecture
    from .models.runtime import Runtime
    from .models.training import build

    path = Path(folder)
    try:
        best = json.loads((path / "best.json").read_text(encoding="utf-8"))
        weights = torch.load(path / "best.pt", weights_only=True, map_location="cpu")
    except OSError as error:
        raise OutputError(f"{path} holds no best network: run `perjoule tune` first") from error
    network, _, _ = build(
        best["params"],
        resolve_architecture(best["architecture"]),
        tuple(best["shape"]),
        best["n_classes"],
        Runtime.detect("cpu"),
        seed=0,
    )
    network.load_state_dict(weights)
    return network.eval()


def _run(
    experiment: Experiment,
    folder: Folder,
    description: dict[str, Any] | None,
    executor: Executor | None,
    progress: Progress | None,
    *,
    keep_weights: bool = False,
) -> Result:
    """Check, prepare, run, derive; the folder is made only once nothing can be refused."""
    from .benchmarks.comparison.driver import Comparison

    space = _checked_space(experiment)
    sources = _sources(experiment)
    workers = experiment.workers or _default_workers(experiment, sources)
    setting = Setting(
        experiment=experiment,
        space=space,
        folder=folder.path,
        shared=workers > 1,
        keep_weights=keep_weights if description is None else description["keep_weights"],
    )
    with exclusive(sources):
        if progress is not None:
            progress.begin(experiment, [source.info for source in sources], workers)
        with Comparison(setting, workers, executor, progress) as comparison:
            prepared = comparison.prepare()
            if description is None:
                folder.create(describe(setting, prepared, workers))
            else:
                check_same_meter(description, prepared)
            folder.lock()
            try:
                comparison.run()
                return _derive(folder)
            finally:
                folder.release()


def _checked_space(experiment: Experiment) -> dict[str, Any]:
    """Check all names, and return the space with the number of epochs in it."""
    from .models.data import check
    from .models.networks.cnn import default_space
    from .models.space import Space
    from .tuners.registry import find_recipe

    check(experiment.dataset)
    for name in experiment.strategies:
        find_recipe(name)
    mapping = experiment.space or default_space(experiment.dataset)
    return {"epochs": DEFAULT_EPOCHS, **Space.parse(mapping).to_mapping()}


def _sources(experiment: Experiment) -> list[Source | PowerSource]:
    """The sources that workers will find, to decide how many there may be."""
    return resolve(experiment.meter, gpus=[] if experiment.device == "cpu" else None)


def _default_workers(experiment: Experiment, sources: list[Source | PowerSource]) -> int:
    """One where a measured domain allows only one trial at a time, else one per core."""
    if any(source.info.scope is not Scope.PROCESS for source in sources):
        return 1
    return min(usable_cores(), experiment.n_runs)


def _derive(folder: Folder) -> Result:
    """Write tables, summary and report from the ledger, each whole or not at all."""
    from .benchmarks.comparison.record import curve_table, slice_table, trial_table
    from .benchmarks.comparison.summary import summarise
    from .benchmarks.tables.table import write_frame
    from .reports import page

    description, events = folder.description(), folder.events()
    trials, curves = trial_table(events), curve_table(events)
    summary = summarise(description, events, trials)
    path = folder.path
    write_frame(trials, path / "trials.parquet", description)
    write_frame(curves, path / "curves.parquet")
    text = json.dumps(summary, indent=2, allow_nan=False)
    write_whole(path / "summary.json", lambda part: part.write_text(text, encoding="utf-8"))
    page.write(path / "report.html", trials, curves, summary, slice_table(events))
    return Result(path, summary)


def _write_best(result: Result) -> None:
    """Write the best candidate of a search of one run, and its weights."""
    [run] = result.summary["runs"]
    if run["incumbent"] is None:
        return
    from .models.checkpoint import load_checkpoint, save_state

    kept = Folder(result.folder).weights(run["run"], run["incumbent"]["trial"])
    weights = save_state(load_checkpoint(kept.read_bytes())["network"])
    data = result.summary["data"]
    best = {
        **run["incumbent"],
        "strategy": run["strategy"],
        "dataset": result.summary["experiment"]["dataset"],
        "architecture": result.summary["experiment"]["architecture"],
        "shape": data["shape"],
        "n_classes": data["n_classes"],
        "spent_j": run["spent_j"],
        "weights": "best.pt",
    }
    text = json.dumps(best, indent=2)
    write_whole(result.folder / "best.pt", lambda part: part.write_bytes(weights))
    write_whole(result.folder / "best.json", lambda part: part.write_text(text, encoding="utf-8"))


def _new_folder(experiment: Experiment) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return (RUNS / f"{experiment.dataset}-{stamp}").absolute()
