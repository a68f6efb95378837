"""The command that repeats published studies."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..errors import ConfigurationError
from .app import STOPPED, command, show
from .options import AsJson, Asking, Recorded


@command("study")
def study(
    *,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="A study, all of them, or your own as module:attribute; none lists them.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Minutes on two cores; else the paper's whole design.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Run it even if it should take more than ten minutes.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Its folder; a new one under runs/ if not given.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the folder --out.")] = False,
    asking: Asking,
    recorded: Recorded,
    as_json: AsJson = False,
) -> None:
    """Run a published study here, and set what is found beside what the paper found."""
    from .. import api
    from ..benchmarks.studies.registry import STUDIES, find_study
    from ..reports.progress import StudyProgress
    from ..reports.study_terminal import print_studies, print_study

    if name is None:
        studies = [find_study(each) for each in STUDIES]
        told = ("name", "question", "paper", "quick_cost", "full_cost", "link")
        rows = [{key: getattr(each, key) for key in told} for each in studies]
        show(rows, as_json, lambda: print_studies(studies))
        return
    if name == "all":
        raise ConfigurationError("study all: not yet")
    tables = asdict(recorded)
    with StudyProgress() as progress:
        result = api.study(
            name,
            quick=quick,
            yes=yes,
            out=out,
            resume=resume,
            source=tables["source"] or None,
            add=tables["add"] or (),
            mapping=tables["mapping"] or (),
            progress=progress,
            **asdict(asking),
        )
    show(result.findings.to_dict(), as_json, lambda: print_study(result))
    if result.interrupted:
        typer.echo(
            "Interrupted; nothing is lost. Go on with: "
            f"perjoule study {name} --resume --out {result.folder}",
            err=True,
        )
        raise typer.Exit(STOPPED)
