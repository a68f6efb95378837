"""What the command line and Python users call: compare, tune, report."""

from __future__ import annotations

import json
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmarks.analysis.target import DEFAULT_TARGET, parse_target
from ..benchmarks.comparison.folder import Folder
from ..benchmarks.comparison.opening import begin, go_on, opening, search_of
from ..benchmarks.tables.table import Table as _Table
from ..errors import ConfigurationError
from ..files import write_whole
from .studies import StudyResult as StudyResult
from .studies import report_study as report_study
from .studies import study as study
from .studies import study_all as study_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.comparison.driver import ComparisonWatcher
    from ..benchmarks.importers import Paths
    from ..benchmarks.statistics.projection import Projections
    from ..benchmarks.tables.loading import Loadable, Stated
    from ..models.exporting import Exported
    from ..models.predictor import Predictor


@dataclass(frozen=True)
class Result:
    """A comparison on disk.

    Attributes:
        folder: Its run folder.
        summary: What ``summary.json`` holds: provenance, runs, workers, and the analysis.
        analysis: Who found the best networks for the joules.
        table: Its trial table, which also knows its runs.
        command: The command that goes on with it: ``compare`` or ``tune``.
    """

    folder: Path
    summary: dict[str, Any]
    analysis: Analysis
    table: Table
    command: str = "compare"

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    @property
    def interrupted(self) -> bool:
        """Whether some of its runs are not over, or its best candidate's training again is not."""
        refit = self.summary["refit"]
        return self.summary["status"] == "interrupted" or (
            refit is not None and refit["state"] == "interrupted"
        )

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
    progress: ComparisonWatcher | None = None,
    target: str | float = DEFAULT_TARGET,
    **options: Any,
) -> Result:
    """Compare strategies by energy.

        result = perjoule.compare(strategies=["random", "tpe"], budget="200 J", seeds=5)
        print(result.analysis.headline)

    Args:
        experiment: A YAML file; None for the defaults.
        out: The run folder; a new one under ``runs/`` if not given.
        resume: Go on with the comparison in ``out``; its experiment is taken from there.
        executor: Any PEP 3148 executor; by default this process or a pool.
        progress: Is told how it goes.
        target: The score to reach: ``0.95``, or a share such as ``"98%"`` (of the best one found
            for a metric from 0 to 1, else of the way to it from the median random candidate).
        **options: Fields of `Experiment` laid over the file: ``dataset``, ``strategies``,
            ``budget``, ``space`` …; ``objective`` may also be a function (see `Trial`).

    Returns:
        The result; after Ctrl-C it is ``interrupted``.

    Raises:
        PerjouleError: Something in the experiment cannot be used; nothing is half-written then.
    """
    start = opening(options, out, target, progress, executor=executor)
    folder = go_on(start, experiment, options) if resume else begin(start, experiment, options)
    return _derive(folder, target)


def tune(
    strategy: str | None = None,
    budget: str | float | None = None,
    *,
    experiment: str | Path | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    refit: bool = False,
    progress: ComparisonWatcher | None = None,
    target: str | float = DEFAULT_TARGET,
    **options: Any,
) -> Result:
    """Search with one strategy until an energy budget is spent.

    The folder gets ``best.json`` (the best candidate and what it cost) and ``best.pt`` (its
    weights, see ``load_best``) beside all that a comparison writes.

    Args:
        strategy: Name of the strategy; that of the experiment or of the search resumed if not
            given, else ``"tpe"``.
        budget: Joules to spend; likewise, else ``"60 J"``.
        experiment: A YAML file; None for the defaults.
        out: The run folder; a new one under ``runs/`` if not given.
        resume: Go on with the search in ``out``.
        refit: Train the best candidate again on train and validation data once the search is over.
            Its joules are metered apart and beside the budget; ``best.pt`` holds its weights then.
            One that was stopped begins anew when resumed.
        progress: Is told how it goes.
        target: As for ``compare``.
        **options: As for ``compare``, but for ``strategies`` and ``seeds``.

    Raises:
        PerjouleError: Something cannot be used.
    """
    if not resume:
        strategy, budget = search_of(experiment, strategy, budget)
    options |= {"strategies": strategy and [strategy], "budget": budget, "seeds": 1}
    start = opening(options, out, target, progress, keep_weights=True, refit=refit)
    folder = go_on(start, experiment, options) if resume else begin(start, experiment, options)
    if refit:
        from ..benchmarks.comparison.refit import refit as train_again

        train_again(folder, progress)
    result = _derive(folder, target)
    found = result.summary["refit"]
    if refit and found is not None and found["state"] == "failed":
        raise ConfigurationError(
            f"the best candidate could not be trained again ({found['message']}): {folder.path} "
            "keeps what the search found"
        )
    return result


def report(folder: str | Path, target: str | float = DEFAULT_TARGET) -> Result | StudyResult:
    """Make tables, summary and report of a run folder again, from its ledger; or of a study's.

    Args:
        folder: The run folder, or that of a study.
        target: As for ``compare``.

    Raises:
        OutputError: The folder holds no comparison.
        ConfigurationError: The target is neither an accuracy nor a share.
    """
    from ..benchmarks.studies.folder import StudyFolder

    parse_target(target, None)
    if StudyFolder(Path(folder)).is_there:
        return report_study(folder)
    return _derive(Folder(Path(folder).absolute()), target)


class Table(_Table):
    """A trial table, and what can be asked of it: see ``benchmarks/CONTRACT.md``."""

    def compare(self, target: str | float = DEFAULT_TARGET) -> Analysis:
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
    metric: Stated | None = None,
) -> Table:
    """Read a trial table: a file, a run folder, a data frame; or several, which are read as one.

        table = perjoule.load_table("theirs.csv", by="dataset", mapping="energy_j=kwh*3.6e6")

    Args:
        source: A Parquet or CSV file, a run folder, a data frame or a table; or several. Any tidy
            table with the columns strategy, energy_j and score will do; trial, seed and state
            may be there, and columns that are not of the contract are hyperparameters.
        by: Columns that group the trials, as names joined by commas: ``"dataset,machine"``. Of a
            run folder also what its experiment says (``dataset``, ``architecture``, ``meter`` …);
            ``source`` is the name of each table.
        mapping: Which columns are made of others: ``"score=test_acc,energy_j=kwh*3.6e6"``.
        metric: What the score is of tables that do not say it, as in an experiment: ``"rmse"``, or
            a mapping with name, direction, low and high; accuracy if not given.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
    """
    from ..benchmarks.comparison.loading import load_table as load

    return _public(load(source, by=by, mapping=mapping, metric=metric))


def import_table(form: str, paths: Paths, **options: Any) -> Table:
    """Make a trial table of what another tool recorded.

        table = perjoule.import_table("codecarbon", "emissions.csv")

    Args:
        form: Name of the format, see ``perjoule import --help``.
        paths: Files of that format; for Optuna also the URL of a storage.
        **options: As in `benchmarks.importers.import_table`.

    Raises:
        DataError: A file cannot be read, or is not of that format; the message says where.
        ConfigurationError: The format has no use for an option.
        UnknownNameError: There is no such format.
    """
    from ..benchmarks.importers import import_table as load

    return _public(load(form, paths, **options))


def analyse(table: _Table, target: str | float = DEFAULT_TARGET) -> Analysis:
    """Work out all statistics of a trial table: who found the best networks for the joules.

    Args:
        table: The trials; what its ``by`` groups is compared apart.
        target: The accuracy to reach: a number or ``"0.95"`` as it is, ``"98%"`` as a share of the
            best accuracy in the group.

    Raises:
        ConfigurationError: The target is neither.
    """
    from ..benchmarks.analysis.analysing import analyse as work_out

    return work_out(table, target)


def replay(table: _Table, **options: Any) -> Table:
    """Let strategies search what a table recorded, for virtual joules and without training.

        perjoule.replay(table, strategies=["tpe", "frugal"], budget="20 J per run", seeds=100)

    Args:
        table: The recorded trials.
        **options: Fields of `benchmarks.replay.ReplayOptions`, and ``progress``, which is told how
            it goes.

    Raises:
        PerjouleError: An option cannot be used, or the table cannot be replayed.
    """
    from ..benchmarks.replay import ReplayOptions
    from ..benchmarks.replay import replay as play

    progress = options.pop("progress", None)
    return _public(play(table, ReplayOptions.of(**options), progress))


def project(
    source: Loadable | Sequence[Loadable],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
    metric: Stated | None = None,
) -> Projections:
    """Project what trainings take in all from their first five steady epochs, with intervals.

        perjoule.project("runs/mine").median_error

    Args:
        source: As for ``load_table``. Of a run folder, trials in flight are projected too.
        by: As there.
        mapping: As there.
        metric: As there.

    Returns:
        Those that came to their end, projected beside measured, and what all others would take.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
        OutputError: A run folder is damaged.
    """
    if isinstance(source, str | Path) and not (by or mapping or metric):
        from ..benchmarks.comparison.projecting import project_run

        if (Path(source) / "ledger.jsonl").exists():
            return project_run(Path(source))
    from ..benchmarks.statistics.projection import project_table

    return project_table(load_table(source, by=by, mapping=mapping, metric=metric))


def _public(table: _Table) -> Table:
    return Table(**vars(table))


def load_best(
    folder: str | Path,
    *,
    trust: bool = False,
    device: str | None = "cpu",
    precision: str | None = None,
) -> Predictor:
    """Load the network that ``tune`` found best, as a predictor of class probabilities.

        predictor = perjoule.load_best("runs/mine")
        predictor(images)           # (N, classes), of images as the data set gives them
        predictor.predict(images)   # the names of the likeliest classes
        predictor.network           # the bare torch module, for normalised inputs

    Images have their channels last, ``(N, height, width, channels)``, and the data set's units;
    normalisation is applied inside. Test images give the test score that the search reported.

    Args:
        folder: The folder of a search, or a copy of its ``best.json`` and ``best.pt``.
        trust: Whether to run what ``best.json`` names as ``module:function``, the code of a network
            of somebody's own. Know who wrote the folder.
        device: Where to predict: ``"cpu"``, ``"cuda"``; None for the fastest.
        precision: ``"float32"``, or None for the one it was trained in.

    Raises:
        OutputError: The folder holds no best network, or a damaged one.
        ConfigurationError: The network is code that is not trusted, or cannot be used here.
    """
    from ..benchmarks.comparison.best import load_predictor

    return load_predictor(Path(folder), trust=trust, device=device, precision=precision)


def export(
    folder: str | Path,
    form: str | None = None,
    *,
    out: str | Path | None = None,
    trust: bool = False,
) -> Exported:
    """Write the network that ``tune`` found best for others, with normalisation and softmax inside.

        perjoule.export("runs/mine", "onnx").path  # runs/mine/best.onnx

    What is written takes any number of float32 images as the data set gives them, ``(N, height,
    width, channels)``, and gives probabilities ``(N, classes)``, computed in float32. It is read
    again and must give those of the predictor in float32 to 1e-4.

    Args:
        folder: The folder of a search.
        form: ``"torchscript"``, ``"onnx"`` (``pip install 'perjoule[onnx]'``) or
            ``"torch-export"``; by the ending of ``out`` if not given, else TorchScript.
        out: The file; ``best`` with the format's ending in the folder if not given.
        trust: As for ``load_best``.

    Raises:
        UnknownNameError: There is no such format.
        ConfigurationError: The format cannot hold the network, or a package is missing.
        OutputError: The folder holds no best network, or the file cannot be written.
    """
    from ..models import exporting

    path = None if out is None else Path(out)
    wanted = exporting.resolve_format(form, path)
    predictor = load_best(folder, trust=trust)
    path = path or Path(folder) / f"best{exporting.FORMATS[wanted].suffix}"
    return exporting.export(predictor, wanted, path)


def _derive(folder: Folder, target: str | float) -> Result:
    """Write tables, summary and report from the ledger, each whole or not at all."""
    from ..benchmarks.analysis.analysing import analyse as work_out
    from ..benchmarks.comparison.best import write_best
    from ..benchmarks.comparison.loading import read_run
    from ..benchmarks.comparison.summary import summarise
    from ..reports import page

    path = folder.path
    command = "tune" if folder.description()["keep_weights"] else "compare"
    table = read_run(path)
    analysis = work_out(table, target)
    summary = summarise(table, analysis)
    table.write(path / "trials.parquet")
    _write_json(path / "summary.json", summary)
    page.write(path / "report.html", table, analysis)
    if command == "tune":
        write_best(path, summary)
    return Result(path, summary, analysis, _public(table), command)


def _write_json(path: Path, data: dict[str, Any]) -> None:
    text = json.dumps(data, indent=2, allow_nan=False)
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
