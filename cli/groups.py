"""Options that go together, as the commands take them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from ..benchmarks.analysis.target import DEFAULT_TARGET
from ..errors import ConfigurationError
from ..models.data import datasets_help
from ..models.metric import metrics_help
from ..models.networks.registry import architectures_help
from . import completing as to
from .options import (
    AsJson,
    Carbon,
    Dashboard,
    File,
    Force,
    JsonFile,
    Meter,
    Record,
    StopEarly,
    Strategies,
    Strict,
    TableOut,
    Target,
    Text,
    Trust,
    WarmStart,
)


@dataclass(frozen=True)
class Setup:
    """What is trained and how it is metered: fields of the experiment."""

    dataset: Annotated[
        Text, Option(help=f"Data set: {datasets_help()}.", autocompletion=to.one_of(to.datasets))
    ] = None
    train_limit: Annotated[
        int | None, Option(help="Samples to train on at most, each class in its share.")
    ] = None
    architecture: Annotated[
        Text,
        Option(
            help=f"What is built: {architectures_help()}.",
            autocompletion=to.one_of(to.architectures),
        ),
    ] = None
    objective: Annotated[
        Text,
        Option(
            help="Your own training function, module:function, in place of data set and "
            "architecture; see docs/how-to/own-loop.md."
        ),
    ] = None
    metric: Annotated[
        Text,
        Option(help=f"What is optimised: {metrics_help()}.", autocompletion=to.one_of(to.metrics)),
    ] = None
    trials: Annotated[int | None, Option(help="Trials of each run at most.")] = None
    space: Annotated[
        Text,
        Option(
            help='The search space: a YAML file, or text such as "{rate: {low: 0.01, high: 1}}".'
        ),
    ] = None
    meter: Meter = None
    device: Annotated[Text, Option(help="cpu, cuda, cuda:1; chosen if not given.")] = None
    carbon: Carbon = None
    workers: Annotated[int | None, Option(help="Trials at a time, of all runs together.")] = None
    parallel_trials: Annotated[
        int | None,
        Option(help="Trials of one run at a time; more use more cores, and learn later."),
    ] = None
    fuse: Annotated[
        int | None,
        Option(
            help="Candidates of one shape that are trained as one stack at most, up to 64, where "
            "a short measurement says that it pays; strategies learn later."
        ),
    ] = None
    fidelity: Annotated[
        Text,
        Option(
            help="Rungs of multi-fidelity strategies: epochs, joules.",
            autocompletion=to.one_of(to.words("epochs", "joules")),
        ),
    ] = None
    stop_early: StopEarly = None
    warm_start: WarmStart = None
    split_seed: Annotated[int | None, Option(help="Seed of the train/validation/test split.")] = (
        None
    )


@dataclass(frozen=True)
class Machines:
    """Which engine gives the workers, and where it is."""

    executor: Annotated[
        Text,
        Option(
            help="Who trains: local, dask, executorlib (this machine; or executorlib:slurm-job, "
            ":slurm-cluster, :flux-job, :flux-cluster); see docs/how-to/cluster.md.",
            autocompletion=to.one_of(to.engines),
        ),
    ] = None
    scheduler: Annotated[
        Text,
        Option(
            metavar="ADDRESS",
            help="A Dask scheduler that runs, tcp://HOST:8786; else --executor dask starts "
            "--workers processes here.",
        ),
    ] = None

    shared: Annotated[
        Text,
        Option(
            metavar="URL",
            help="Object store for signs of life, tickets and checkpoints, s3://BUCKET/FOLDER, "
            "where workers do not see the run folder.",
        ),
    ] = None

    @property
    def engine(self) -> str | None:
        """The engine's name, with its address."""
        if self.scheduler is None:
            return self.executor
        if self.executor not in (None, "dask"):
            raise ConfigurationError(
                f"--executor {self.executor} has no scheduler: leave --scheduler out, or take "
                "--executor dask"
            )
        return f"dask:{self.scheduler}"


@dataclass(frozen=True)
class RunFolder:
    """Where a comparison is kept, and how it is shown."""

    out: Annotated[File, Option(help="Run folder; a new one under runs/ if not given.")] = None
    resume: Annotated[bool, Option("--resume", help="Go on with the run folder --out.")] = False
    trust: Trust = False
    target: Target = DEFAULT_TARGET
    dashboard: Dashboard = False
    record: Record = None
    as_json: AsJson = False


@dataclass(frozen=True)
class Tables:
    """Which tables are read, and how."""

    paths: Annotated[
        list[Path], Argument(metavar="PATH", help="Tables (.parquet, .csv) or run folders.")
    ]
    by: Annotated[
        list[str] | None,
        Option(
            help='Columns to group by, such as "dataset,machine"; "source" is the file, "none" '
            "pools all. If not given, several run folders are grouped by what differs."
        ),
    ] = None
    mapping: Annotated[
        list[str] | None,
        Option(
            "--map",
            help='Columns made of others: "score=test_acc,energy_j=(gpu_wh+cpu_wh)*3600"; '
            "+ - * / and parentheses will do.",
        ),
    ] = None
    metric: Annotated[
        Text,
        Option(
            help="What the score is, of tables that do not say it; as for compare.",
            autocompletion=to.one_of(to.metrics),
        ),
    ] = None
    strict: Strict = False


@dataclass(frozen=True)
class Searched:
    """Which columns are hyperparameters."""

    params: Annotated[
        list[str] | None,
        Option(
            help='The hyperparameters, "lr,batch"; if not given, names and values tell them. '
            "They are always listed, with what is left out."
        ),
    ] = None


@dataclass(frozen=True)
class Findings:
    """What is asked of a table, and where the answer goes."""

    target: Target = DEFAULT_TARGET
    as_json: JsonFile = None
    html: Annotated[File, Option("--html", help="Write a page that opens offline.")] = None
    out: TableOut = None
    force: Force = False


@dataclass(frozen=True)
class Images:
    """Which figures are written, and how."""

    out: Annotated[Path, Option(help="Folder of the files.")] = Path("figures")
    formats: Annotated[
        str,
        Option(
            "--format",
            help="svg, pdf, png (300 dpi), json (Plotly's), joined by commas.",
            autocompletion=to.some_of(to.words("svg", "pdf", "png", "json")),
        ),
    ] = "svg,pdf,png"
    width: Annotated[
        str,
        Option(
            help="Width on paper: column (88 mm), page (180 mm), or millimetres.",
            autocompletion=to.one_of(to.words("column", "page")),
        ),
    ] = "column"
    only: Annotated[
        Text,
        Option(
            help='Names joined by commas, "pareto,anytime"; else all of the report.',
            autocompletion=to.some_of(to.figures),
        ),
    ] = None
    target: Target = DEFAULT_TARGET
    force: Force = False


@dataclass(frozen=True)
class Replaying:
    """How strategies search a table: fields of `ReplayOptions`."""

    strategies: Strategies = "all"
    budget: Annotated[
        Text,
        Option(
            help='Virtual energy all runs share, "24 kJ", or of each, "20 J per run"; if not '
            "given, what a recorded run had."
        ),
    ] = None
    seeds: Annotated[int, Option(min=1, help="Runs per strategy.")] = 100
    match: Annotated[
        str,
        Option(
            help="nearest (a finite grid), surrogate (a random forest), auto.",
            autocompletion=to.one_of(to.words("auto", "nearest", "surrogate")),
        ),
    ] = "auto"
    search_energy: Annotated[
        str,
        Option(
            help="Charge what asks cost, by a recorded model; or none.",
            autocompletion=to.one_of(to.words("model", "none")),
        ),
    ] = "model"
    slow_seeds: Annotated[int, Option(min=1, help="Runs of strategies whose asks take long.")] = 10
    workers: Annotated[int | None, Option(min=1, help="Processes; else one per core.")] = None
    parallel_trials: Annotated[
        int, Option(min=1, help="Trials of a run at a time; the notes tell what that cost.")
    ] = 1
    stop_early: StopEarly = None
    warm_start: WarmStart = None


@dataclass(frozen=True)
class Importing:
    """What an import is asked for: fields of `ImportOptions`."""

    trim: Annotated[
        Text, Option(help='Cut both ends of a trace: "3s" (nvidia-smi, wattmeter).')
    ] = None
    column: Annotated[
        Text, Option(help="Column or device of a trace, where there are several.")
    ] = None
    energy_attr: Annotated[
        Text, Option(help='User attribute of a trial that holds joules; "kwh*3.6e6" (optuna).')
    ] = None
    score_attr: Annotated[
        Text, Option(help='What the score is: an objective, "values_0", an attribute (optuna).')
    ] = None
    metric: Annotated[Text, Option(help="What the score is of: rmse, f1 … (optuna).")] = None
    accuracy_attr: Annotated[
        Text, Option(help='The score is the accuracy "1-value", "value/100" … (optuna).')
    ] = None
    study: Annotated[Text, Option(help="Name of the study (optuna).")] = None
    strategy: Annotated[Text, Option(help="The strategy of all rows, whatever the file says.")] = (
        None
    )
    strict: Strict = False
