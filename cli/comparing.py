"""The commands that train: compare and tune, and what helps to write them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..files.writing import check_new, write_whole
from ..models.metric import Metric
from . import completing as to
from .app import command, show
from .groups import Machines, RunFolder, Setup
from .options import AsJson, Force, Strategies
from .printing import echo
from .stopping import stopping

if TYPE_CHECKING:
    from ..api import Result, StudyResult

Experiment = Annotated[
    Path | None, typer.Argument(metavar="EXPERIMENT.yaml", help="See `perjoule init`.")
]


@command("compare")
def compare(
    *,
    experiment: Experiment = None,
    strategies: Strategies = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help='Energy all runs share: "200 J", "0.2 Wh", or unlimited with --trials; the '
            "experiment's, or 560 J if not given."
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(help="Runs per strategy; the experiment's, or 10 if not given."),
    ] = None,
    setup: Setup,
    machines: Machines,
    folder: RunFolder,
) -> None:
    """Compare search strategies that share an energy budget; writes a report."""
    stopping().goes_on_with("compare --resume")
    from .. import api
    from ..reports.progress.comparing import ComparisonProgress

    with ComparisonProgress(folder.target) as progress:
        result = api.compare(
            experiment,
            out=folder.out,
            resume=folder.resume,
            trust=folder.trust,
            executor=machines.engine,
            shared=machines.shared,
            target=folder.target,
            dashboard=folder.dashboard,
            record=folder.record or (),
            progress=progress,
            strategies=strategies,
            budget=budget,
            seeds=seeds,
            **asdict(setup),
        )
    show(result.summary, folder.as_json, lambda: print_result(result))
    print_recorded(result, told=not folder.as_json)
    if result.interrupted:
        stopping().end()


@command("tune")
def tune(
    *,
    experiment: Experiment = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="See `perjoule strategies`; the experiment's, or tpe if not given.",
            autocompletion=to.one_of(to.strategies),
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(help='Energy to spend: "0.2 Wh", unlimited with --trials; 60 J if not given.'),
    ] = None,
    refit: Annotated[
        bool,
        typer.Option(
            "--refit",
            help="Then train the best candidate again on train and validation data; its joules "
            "come beside the budget, and are told apart.",
        ),
    ] = False,
    setup: Setup,
    machines: Machines,
    folder: RunFolder,
) -> None:
    """Search with one strategy until the budget is spent; writes best.json and best.pt."""
    stopping().goes_on_with(f"tune --resume{' --refit' * refit}")
    from .. import api
    from ..benchmarks.analysis.unspent import unspent
    from ..reports.progress.comparing import ComparisonProgress
    from ..reports.terminal import print_best

    with ComparisonProgress(folder.target) as progress:
        result = api.tune(
            strategy,
            budget,
            experiment=experiment,
            out=folder.out,
            resume=folder.resume,
            trust=folder.trust,
            executor=machines.engine,
            shared=machines.shared,
            refit=refit,
            target=folder.target,
            dashboard=folder.dashboard,
            record=folder.record or (),
            progress=progress,
            **asdict(setup),
        )
    [run], again = result.summary["runs"], result.summary["refit"]
    told = run if again is None else {**run, "refit": again}
    metric = Metric.parse(result.summary["experiment"].get("metric", "accuracy"))
    ended = unspent(result.table)
    show(told, folder.as_json, lambda: print_best(run, result.folder, metric, again, ended))
    print_recorded(result, told=not folder.as_json)
    if result.interrupted or (refit and again is None and stopping().program.number):
        stopping().end()


@command("strategies")
def strategies(as_json: AsJson = False) -> None:
    """List the search strategies."""
    from ..reports.terminal import print_strategies
    from ..tuners.registry import RECIPES

    told = ("name", "summary", "optimises", "prunes", "stops_early", "transfers", "source")
    rows = [{key: getattr(recipe, key) for key in told} for recipe in RECIPES.values()]
    show(rows, as_json, lambda: print_strategies(list(RECIPES.values())))


@command("init")
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("experiment.yaml"),
    force: Force = False,
) -> None:
    """Write a commented experiment file."""
    from ..benchmarks.comparison.example import EXAMPLE

    check_new(path, force=force)
    write_whole(path, lambda part: part.write_text(EXAMPLE, encoding="utf-8"))
    echo(f"{path} written; run it with: perjoule compare {path}")


def print_recorded(result: Result, *, told: bool) -> None:
    """Print how to look at what was recorded elsewhere, if that is told, and what was not."""
    for line in result.recorded if told else ():
        echo(line)
    for line in result.unrecorded:
        echo(f"perjoule: {line}", err=True)


def print_result(result: Result | StudyResult) -> None:
    """Print what is found in a run folder or a study's, and where its report is."""
    from ..api import StudyResult
    from ..reports.study_terminal import print_study
    from ..reports.terminal import print_comparison

    if isinstance(result, StudyResult):
        print_study(result)
        return
    print_comparison(result.analysis, result.summary, result.report)
