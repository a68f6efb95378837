"""The command that repeats published studies."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from ..errors import ConfigurationError
from . import completing as to
from .app import command, show
from .options import AsJson, Carbon, File, Meter, Text, Trust
from .stopping import stopping


@dataclass(frozen=True)
class StudyFolder:
    """How a study is run, and where it is kept."""

    quick: Annotated[
        bool, Option("--quick", help="Minutes on two cores; else the paper's whole design.")
    ] = False
    yes: Annotated[
        bool, Option("--yes", help="Run it even if it should take more than ten minutes.")
    ] = False
    out: Annotated[File, Option(help="Its folder; a new one under runs/ if not given.")] = None
    resume: Annotated[bool, Option("--resume", help="Go on with the folder --out.")] = False
    trust: Trust = False


@dataclass(frozen=True)
class Asking:
    """What may be asked of a study: fields of `benchmarks.studies.Options`."""

    dataset: Annotated[
        Text,
        Option(
            help="Another data set than the study's; as for compare.",
            autocompletion=to.one_of(to.datasets),
        ),
    ] = None
    repetitions: Annotated[int | None, Option(min=1, help="Repetitions of a cell, or seeds.")] = (
        None
    )
    meter: Meter = None
    device: Annotated[Text, Option(help="cpu, cuda, cuda:1; chosen if not given.")] = None
    workers: Annotated[int | None, Option(min=1, help="Trials at a time.")] = None
    carbon: Carbon = None


@dataclass(frozen=True)
class Recorded:
    """Tables that a study analyses."""

    source: Annotated[
        list[Path] | None,
        Option("--from", help="Analyse this recorded table (or run folder), and run nothing."),
    ] = None
    add: Annotated[
        list[Path] | None,
        Option("--add", help="Analyse another machine's table with what is run here."),
    ] = None
    mapping: Annotated[
        list[str] | None,
        Option("--map", help='Columns of these made of others: "energy_j=kwh*3.6e6".'),
    ] = None


@command("study")
def study(
    *,
    name: Annotated[
        str | None,
        Argument(
            metavar="NAME",
            help="A study, all of them, or your own as module:attribute; none lists them.",
            autocompletion=to.one_of(to.studies),
        ),
    ] = None,
    folder: StudyFolder,
    asking: Asking,
    recorded: Recorded,
    as_json: AsJson = False,
) -> None:
    """Repeat a published study here, and set what is found beside what the paper found."""
    if name is None:
        _list(as_json)
    elif name == "all":
        _run_all(folder, asking, recorded, as_json)
    else:
        _run(name, folder, asking, recorded, as_json)


def _list(as_json: bool) -> None:
    from ..benchmarks.studies.registry import STUDIES, find_study
    from ..reports.study_terminal import print_studies

    studies = [find_study(each) for each in STUDIES]
    told = ("name", "question", "paper", "quick_cost", "full_cost", "link")
    rows = [{key: getattr(each, key) for key in told} for each in studies]
    show(rows, as_json, lambda: print_studies(studies))


def _run(name: str, folder: StudyFolder, asking: Asking, recorded: Recorded, as_json: bool) -> None:
    from .. import api
    from ..reports.progress.studying import StudyProgress
    from ..reports.study_terminal import print_study

    stopping().goes_on_with(f"study {shlex.quote(name)} --resume")
    with StudyProgress() as progress:
        result = api.study(
            name,
            progress=progress,
            source=recorded.source or None,
            add=recorded.add or (),
            mapping=recorded.mapping or (),
            **asdict(folder),
            **asdict(asking),
        )
    show(result.findings.to_dict(), as_json, lambda: print_study(result))
    if result.interrupted:
        stopping().end()


def _run_all(folder: StudyFolder, asking: Asking, recorded: Recorded, as_json: bool) -> None:
    from .. import api
    from ..reports.progress.studying import StudyProgress
    from ..reports.study_terminal import print_all

    if recorded != Recorded():
        raise ConfigurationError("study all: tables belong to one study; name it")
    given = asdict(folder)
    if given.pop("resume") and folder.out is None:
        raise ConfigurationError("--resume needs --out: name the folder to go on with")
    # Of studies that are still to be begun, the options are not written down anywhere.
    flags = [f"--{name}" for name in ("quick", "yes") if getattr(folder, name)]
    wanted = {name: each for name, each in asdict(asking).items() if each is not None}
    values = [f"--{name} {shlex.quote(str(each))}" for name, each in wanted.items()]
    stopping().goes_on_with(" ".join(["study all", *flags, *values, "--resume"]))
    with StudyProgress() as progress:
        found = api.study_all(progress=progress, **given, **asdict(asking))
    told = {n: e if isinstance(e, str) else e.findings.to_dict() for n, e in found.results.items()}
    show(told, as_json, lambda: print_all(found))
    if found.interrupted:
        stopping().end()
