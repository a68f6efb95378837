"""The options of the commands, each group written once: frozen dataclasses passed whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer


@dataclass(frozen=True)
class Setup:
    """What is trained and how it is metered: fields of the experiment."""

    dataset: Annotated[str | None, typer.Option(help="Data set: digits, fashion-mnist.")] = None
    meter: Annotated[str | None, typer.Option(help="What counts joules.")] = None
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; chosen if not given.")] = (
        None
    )
    carbon: Annotated[
        str | None,
        typer.Option(help='Tell grams of CO2e too: "FRA", "USA/CA", "56 g/kWh"; never guessed.'),
    ] = None


@dataclass(frozen=True)
class RunFolder:
    """Where a comparison is kept, and how it is shown."""

    out: Annotated[
        Path | None, typer.Option(help="Run folder; a new one under runs/ if not given.")
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run folder --out.")] = (
        False
    )
    target: Annotated[
        str, typer.Option(help='Accuracy to reach: "0.95", or "98%" of the best in the group.')
    ] = "98%"
    as_json: Annotated[bool, typer.Option("--json", help="Print plain JSON.")] = False


@dataclass(frozen=True)
class Tables:
    """Which tables are read, and how."""

    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Tables (.parquet, .csv) or run folders."),
    ]
    by: Annotated[
        list[str] | None,
        typer.Option(
            help='Columns to group by, such as "dataset,machine"; "source" is the file; "none" '
            "pools all."
        ),
    ] = None
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map", help='Columns made of others: "accuracy=test_acc,energy_j=kwh*3.6e6".'
        ),
    ] = None


@dataclass(frozen=True)
class Findings:
    """What is asked of a table, and where the answer goes."""

    target: Annotated[
        str, typer.Option(help='Accuracy to reach: "0.95", or "98%" of the best in the group.')
    ] = "98%"
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Write all statistics as JSON; - prints them.")
    ] = None
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page that opens offline.")
    ] = None
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the trial table: .parquet or .csv.")
    ] = None


@dataclass(frozen=True)
class Replaying:
    """How strategies search a table: fields of `ReplayOptions`."""

    strategies: Annotated[
        str, typer.Option(help="Names joined by commas, or all; see `perjoule strategies`.")
    ] = "all"
    budget: Annotated[
        str | None,
        typer.Option(
            help='Virtual energy all runs share, "24 kJ", or of each, "20 J per run"; what a '
            "recorded run had if not given."
        ),
    ] = None
    seeds: Annotated[int, typer.Option(min=1, help="Runs per strategy.")] = 100
    match: Annotated[
        str, typer.Option(help="nearest (a finite grid), surrogate (a random forest), auto.")
    ] = "auto"
    search_energy: Annotated[
        str, typer.Option(help="Charge what asks cost, by a recorded model; or none.")
    ] = "model"
    slow_seeds: Annotated[
        int, typer.Option(min=1, help="Runs of strategies whose asks take long.")
    ] = 10
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one per core.")] = None


@dataclass(frozen=True)
class Importing:
    """What an import is asked for: fields of `ImportOptions`."""

    trim: Annotated[
        str | None, typer.Option(help='Cut both ends of a trace: "3s" (nvidia-smi, wattmeter).')
    ] = None
    column: Annotated[
        str | None, typer.Option(help="Column or device of a trace, where there are several.")
    ] = None
    energy_attr: Annotated[
        str | None,
        typer.Option(help='User attribute of a trial that holds joules; "kwh*3.6e6" (optuna).'),
    ] = None
    accuracy_attr: Annotated[
        str | None,
        typer.Option(help='What the accuracy is: "1-value", "value/100", an attribute (optuna).'),
    ] = None
    study: Annotated[str | None, typer.Option(help="Name of the study (optuna).")] = None
    strategy: Annotated[
        str | None, typer.Option(help="The strategy of all rows, in place of the file's word.")
    ] = None


AsJson = Annotated[bool, typer.Option("--json", help="Print plain JSON.")]
