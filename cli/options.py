"""The options of the commands, each written once; groups of them are frozen dataclasses."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from ..energy.sources.resolve import meters_help
from ..files.paths import check_paths, split_paths
from ..reports.recorders.registry import recorders_help
from . import completing as to

Text = str | None
File = Path | None


def _tables(given: list[str] | None) -> list[str] | None:
    """The names of tables in an option that may be given several times."""
    if not given:
        return None
    paths = [path for text in given for path in split_paths(text)]
    check_paths(paths)
    return paths


Meter = Annotated[
    Text,
    Option(help=f"What counts joules: {meters_help()}", autocompletion=to.some_of(to.meters)),
]
Carbon = Annotated[
    Text, Option(help='Tell grams of CO2e too: "FRA", "USA/CA", "56 g/kWh"; never guessed.')
]
StopEarly = Annotated[
    float | None,
    Option(
        help="Score worth the whole budget (0.0001): strategies that can judge it (see perjoule "
        "strategies) end when nothing promises that; else the budget is spent."
    ),
]
WarmStart = Annotated[
    list[str] | None,
    Option(
        metavar="TABLE",
        callback=_tables,
        help="Earlier searches of the same space, tables or run folders joined by commas (quoted "
        "where a name has one), for "
        "strategies that learn from them (see perjoule strategies); their joules are told, and "
        "charged to nobody.",
    ),
]
Target = Annotated[
    str,
    Option(
        help='Score to reach: "0.95" in units of the metric, or a share such as "98%": of the best '
        "for a metric from 0 to 1, else of the way to it from the median random candidate."
    ),
]
Strategies = Annotated[
    Text,
    Option(
        help="Names joined by commas, or all (see `perjoule strategies`); the experiment's, or "
        "seven usual ones if not given.",
        autocompletion=to.some_of(to.strategies_or_all),
    ),
]
AsJson = Annotated[bool, Option("--json", help="Print plain JSON.")]
Trust = Annotated[
    bool,
    Option(
        "--trust",
        help="Import the code and read the files that a folder of somebody else names.",
    ),
]
Dashboard = Annotated[
    bool,
    Option(
        "--dashboard",
        help="Write studies.journal into the run folder, which optuna-dashboard shows, also live; "
        "the same as --record optuna.",
    ),
]
Record = Annotated[
    list[str] | None,
    Option(
        metavar="NAME[:WHERE]",
        help=f"Record trials and joules elsewhere too, as they come; repeat it for more. "
        f"{recorders_help()}.",
        autocompletion=to.one_of(to.recorders),
    ),
]
JsonFile = Annotated[File, Option("--json", help="Write all that is found as JSON; - prints it.")]
Strict = Annotated[
    bool,
    Option(
        "--strict",
        help="Refuse a file with any damaged row; else up to a tenth is left out and told.",
    ),
]
Force = Annotated[bool, Option("--force", help="Write over files that are there.")]
TableOut = Annotated[File, Option("--out", help="Write the trial table: .parquet or .csv.")]
