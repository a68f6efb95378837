"""Comparing and searching live, as the command line and Python users call it."""

from __future__ import annotations

import json
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmarks.analysis.target import DEFAULT_TARGET, parse_target
from ..benchmarks.comparison.folder import Folder
from ..benchmarks.comparison.opening import begin, go_on, opening, search_of
from ..benchmarks.comparison.signals import telling_first
from ..errors import ConfigurationError
from ..files.writing import write_whole
from .showing import comparison_progress, shows_progress
from .studies import StudyResult, report_study
from .tables import Table, public
from .views import result_html

if TYPE_CHECKING:
    import pandas as pd

    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.comparison.recording import Recording
    from ..benchmarks.comparison.watching import ComparisonWatcher
    from ..reports.recorders.registry import Wanted


@dataclass(frozen=True)
class Result:
    """A comparison on disk.

    Attributes:
        folder: Its run folder.
        summary: What ``summary.json`` holds: provenance, runs, workers, and the analysis.
        analysis: Who found the best networks for the joules.
        table: Its trial table, which also knows its runs.
        command: The command that goes on with it: ``compare`` or ``tune``.
        recorded: How to look at what was recorded elsewhere, a line for each recorder.
        unrecorded: What went wrong there; the comparison itself is whole.
    """

    folder: Path
    summary: dict[str, Any]
    analysis: Analysis
    table: Table
    command: str = "compare"
    recorded: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict, a row for each strategy, and where the report is."""
        return result_html(self)

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


@shows_progress(comparison_progress)
def compare(
    experiment: str | Path | None = None,
    *,
    out: str | Path | None = None,
    resume: bool = False,
    trust: bool = False,
    executor: Executor | str | None = None,
    shared: str | None = None,
    progress: ComparisonWatcher | None = None,
    target: str | float = DEFAULT_TARGET,
    dashboard: bool = False,
    record: Wanted = (),
    **options: Any,
) -> Result:
    """Compare strategies by energy.

        result = perjoule.compare(strategies=["random", "tpe"], budget="200 J", seeds=5)
        print(result.analysis.headline)

    Args:
        experiment: A YAML file; None for the defaults.
        out: The run folder; a new one under ``runs/`` if not given.
        resume: Go on with the comparison in ``out``; its experiment is taken from there.
        trust: Whether code, files and hosts that ``out`` names may be run and read, where somebody
            else made it. Know who.
        executor: Who trains: ``"local"`` processes, ``"dask"``, ``"dask:tcp://HOST:8786"`` for a
            scheduler that runs, ``"executorlib"`` and ``"executorlib:slurm-job"`` … (see
            `docs/how-to/cluster.md`), or any PEP 3148 executor; by default this process or a pool.
        shared: URL of a folder in an object store (``"s3://bucket/folder"``) for signs of life,
            tickets and checkpoints, where workers do not see ``out``.
        progress: Is told how it goes; by default it is shown in a notebook, and nowhere else.
        target: The score to reach: ``0.95``, or a share such as ``"98%"`` (of the best one found
            for a metric from 0 to 1, else of the way to it from the median random candidate).
        dashboard: Whether to write ``studies.journal``, a mirror for optuna-dashboard, as trials
            end; the same as to record ``"optuna"``.
        record: Who else gets trials and joules as they come: names such as ``"mlflow"``,
            ``"mlflow:http://HOST:5000"``, ``"wandb:PROJECT"``, ``"tensorboard"``, ``"trackio"`` or
            ``"prometheus:FILE.prom"``, or objects of a class of yours (see `Recorder`).
        **options: Fields of `Experiment` laid over the file: ``dataset``, ``strategies``,
            ``budget``, ``space`` …; ``objective`` may also be a function (see `Trial`).

    Returns:
        The result; after Ctrl-C it is ``interrupted``.

    Raises:
        PerjouleError: Something in the experiment cannot be used; nothing is half-written then.
    """
    recording = _recording(record, dashboard, target, progress)
    more = {"executor": executor, "shared": shared, "trust": trust, "recording": recording}
    start = opening(options, out, target, progress, **more)
    folder = go_on(start, experiment, options) if resume else begin(start, experiment, options)
    return _derive(folder, target, recording)


@shows_progress(comparison_progress)
def tune(
    strategy: str | None = None,
    budget: str | float | None = None,
    *,
    experiment: str | Path | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    trust: bool = False,
    executor: Executor | str | None = None,
    shared: str | None = None,
    refit: bool = False,
    progress: ComparisonWatcher | None = None,
    target: str | float = DEFAULT_TARGET,
    dashboard: bool = False,
    record: Wanted = (),
    **options: Any,
) -> Result:
    """Search with one strategy until an energy budget is spent.

        result = perjoule.tune("tpe", "60 J", out="runs/mine")
        predictor = perjoule.load_best(result.folder)

    The folder gets ``best.json`` (the best candidate and what it cost) and ``best.pt`` (its
    weights, see ``load_best``) beside all that a comparison writes.

    Args:
        strategy: Name of the strategy; that of the experiment or of the search resumed if not
            given, else ``"tpe"``.
        budget: Joules to spend; likewise, else ``"60 J"``.
        experiment: A YAML file; None for the defaults.
        out: The run folder; a new one under ``runs/`` if not given.
        resume: Go on with the search in ``out``.
        trust: As for ``compare``.
        executor: As for ``compare``; a refit is done here.
        shared: As for ``compare``.
        refit: Train the best candidate again on train and validation data once the search is over.
            Its joules are metered apart and beside the budget; ``best.pt`` holds its weights then.
            One that was stopped begins anew when resumed.
        progress: Is told how it goes.
        target: As for ``compare``.
        dashboard: As for ``compare``.
        record: As for ``compare``.
        **options: As for ``compare``, but for ``strategies`` and ``seeds``.

    Raises:
        PerjouleError: Something cannot be used.
    """
    if not resume:
        strategy, budget = search_of(experiment, strategy, budget)
    options |= {"strategies": strategy and [strategy], "budget": budget, "seeds": 1}
    recording = _recording(record, dashboard, target, progress)
    more = {"executor": executor, "shared": shared, "trust": trust, "recording": recording}
    start = opening(options, out, target, progress, keep_weights=True, refit=refit, **more)
    folder = go_on(start, experiment, options) if resume else begin(start, experiment, options)
    if refit:
        from ..benchmarks.comparison.refit import refit as train_again

        with telling_first(lambda: _derive(folder, target)):
            train_again(folder, progress)
    result = _derive(folder, target, recording)
    found = result.summary["refit"]
    if refit and found is not None and found["state"] == "failed":
        raise ConfigurationError(
            f"the best candidate could not be trained again ({found['message']}): {folder.path} "
            "keeps what the search found"
        )
    return result


def report(
    folder: str | Path,
    target: str | float = DEFAULT_TARGET,
    *,
    trust: bool = False,
    dashboard: bool = False,
    record: Wanted = (),
) -> Result | StudyResult:
    """Make tables, summary and report of a run folder again, from its ledger; or of a study's.

        result = perjoule.report("runs/mine", target=0.95)
        print(result.report)  # the path of the page

    Args:
        folder: The run folder, or that of a study.
        target: As for ``compare``.
        trust: As for ``compare``; only of a study data are read.
        dashboard: As for ``compare``; of a study, the trials of all its parts.
        record: As for ``compare``, after the fact; of a study, ``"optuna"`` alone.

    Raises:
        OutputError: The folder holds no comparison.
        ConfigurationError: The target is neither an accuracy nor a share.
    """
    from ..benchmarks.studies.folder import StudyFolder

    parse_target(target, None)
    if StudyFolder(Path(folder)).is_there:
        return report_study(folder, trust=trust, dashboard=dashboard, record=record)
    recording = _recording(record, dashboard, target)
    return _derive(Folder(Path(folder).absolute()), target, recording)


def _recording(
    record: Wanted,
    dashboard: bool,
    target: str | float,
    progress: ComparisonWatcher | None = None,
) -> Recording | None:
    """The recording that is asked for, whose recorders can be opened; None if there is none."""
    if not record and not dashboard:
        return None
    from ..benchmarks.comparison.recording import Recording
    from ..reports.recorders.registry import open_recorders

    recording = Recording(
        open_recorders(record, dashboard=dashboard), target, getattr(progress, "note", None)
    )
    recording.check()
    return recording


def _derive(folder: Folder, target: str | float, recording: Recording | None = None) -> Result:
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
    table.write(path / "trials.parquet", force=True)
    _write_json(path / "summary.json", summary)
    page.write(path / "report.html", table, analysis, force=True)
    if command == "tune":
        write_best(path, summary)
    result = Result(path, summary, analysis, public(table), command)
    if recording is None:
        return result
    recording.finish(folder, table, analysis)
    return replace(result, recorded=recording.looks, unrecorded=recording.faults)


def _write_json(path: Path, data: dict[str, Any]) -> None:
    text = json.dumps(data, indent=2, allow_nan=False)
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))
