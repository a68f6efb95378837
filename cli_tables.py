"""The commands on recorded data: nothing here spends a joule on training."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

import typer

from .errors import ConfigurationError, OutputError

Paths = Annotated[
    list[Path], typer.Argument(metavar="PATH...", help="Tables (.parquet, .csv) or run folders.")
]
By = Annotated[
    list[str] | None,
    typer.Option(help='Columns to group by, such as "dataset,machine"; "source" is the file.'),
]
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help='Columns made of others: "accuracy=test_acc,energy_j=kwh*3.6e6".'),
]
Target = Annotated[
    str, typer.Option(help='Accuracy to reach: "0.95", or "98%" of the best in the group.')
]
Json = Annotated[
    Path | None, typer.Option("--json", help="Write all statistics as JSON; - prints them.")
]
Html = Annotated[Path | None, typer.Option("--html", help="Write a page that opens offline.")]
TableOut = Annotated[
    Path | None, typer.Option("--out", help="Write the trial table: .parquet or .csv.")
]


def report(
    paths: Paths,
    by: By = None,
    mapping: Map = None,
    target: Target = "98%",
    as_json: Json = None,
    html: Html = None,
    out: TableOut = None,
) -> None:
    """Compare what any trial tables or run folders hold, and say what the runs support.

    Of a run folder alone, the tables and the report in it are made again from its ledger. Any table
    with the columns strategy, energy_j and accuracy will do; trial, seed and state may be there.
    """
    from .api import load_table

    if len(paths) == 1 and (paths[0] / "ledger.jsonl").exists():
        from . import api
        from .reports.terminal import print_comparison

        result = api.report(paths[0])
        if not (by or mapping or as_json or html or out):
            print_comparison(result)
            return
    show(load_table(paths, by=by or (), mapping=mapping or ()), target, as_json, html, out)


def import_(
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT",
            help="codecarbon, nvidia-smi, optuna, zeus, butter-e, wattmeter.",
        ),
    ],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, or a storage URL of Optuna.")
    ],
    out: TableOut = None,
    trim: Annotated[
        str | None, typer.Option(help='Cut both ends of a trace: "3s" (nvidia-smi, wattmeter).')
    ] = None,
    column: Annotated[
        str | None, typer.Option(help="Column or device of a trace, where there are several.")
    ] = None,
    energy_attr: Annotated[
        str | None,
        typer.Option(help='User attribute of a trial that holds joules; "kwh*3.6e6" (optuna).'),
    ] = None,
    accuracy_attr: Annotated[
        str | None,
        typer.Option(help='What the accuracy is: "1-value", "value/100", an attribute (optuna).'),
    ] = None,
    study: Annotated[str | None, typer.Option(help="Name of the study (optuna).")] = None,
    strategy: Annotated[
        str | None, typer.Option(help="The strategy of all rows, in place of the file's word.")
    ] = None,
) -> None:
    """Make a trial table of what another tool recorded."""
    from .benchmarks.importers import ImportOptions, import_to

    if out is None:
        raise OutputError("import needs --out: name the table to write, .parquet or .csv")
    options = ImportOptions(
        trim_s=0.0 if trim is None else _seconds(trim),
        energy_attr=energy_attr,
        accuracy_attr=accuracy_attr,
        study=study,
        strategy=strategy,
        column=column,
    )
    imported = import_to(form, paths, out, options)
    for note in imported.notes:
        typer.echo(f"- {note}", err=True)
    typer.echo(f"{imported.rows:,} rows written to {out}; compare them: perjoule report {out}")


def audit(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Tables, traces, run folders, or folders of them."),
    ],
    by: By = None,
    mapping: Map = None,
    as_json: Json = None,
) -> None:
    """Check an energy study for the faults of published ones; exit code 1 if there is any."""
    from .benchmarks.audit import audit as check
    from .reports.terminal_tables import print_audit

    found = check(paths, by=by or (), mapping=mapping or ())
    if not _printed(as_json, found.to_dict()):
        print_audit(found)
    raise typer.Exit(1 if found.findings else 0)


def replay(
    paths: Paths,
    strategies: Annotated[
        str, typer.Option(help="Names joined by commas, or all; see `perjoule strategies`.")
    ] = "all",
    budget: Annotated[
        str | None,
        typer.Option(
            help='Virtual energy all runs share, "24 kJ", or of each, "20 J per run"; what a '
            "recorded run had if not given."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Runs per strategy.")] = 100,
    match: Annotated[
        str, typer.Option(help="nearest (a finite grid), surrogate (a random forest), auto.")
    ] = "auto",
    search_energy: Annotated[
        str, typer.Option(help="Charge what asks cost, by a recorded model; or none.")
    ] = "model",
    slow_seeds: Annotated[
        int, typer.Option(min=1, help="Runs of strategies whose asks take long.")
    ] = 10,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one per core.")] = None,
    by: By = None,
    mapping: Map = None,
    target: Target = "98%",
    as_json: Json = None,
    html: Html = None,
    out: TableOut = None,
) -> None:
    """Compare strategies on what a table recorded: virtual joules, no training."""
    from .api import load_table
    from .reports.terminal_tables import ReplayProgress

    table = load_table(paths, by=by or (), mapping=mapping or ())
    with ReplayProgress() as progress:
        replayed = table.replay(
            strategies=strategies,
            budget=budget,
            seeds=seeds,
            match=match,
            search_energy=search_energy,
            slow_seeds=slow_seeds,
            workers=workers,
            progress=progress,
        )
    show(replayed, target, as_json, html, out)


def show(
    table: Any, target: str, as_json: Path | None, html: Path | None, out: Path | None
) -> None:
    """Compare a table; write what is asked for, and print the rest."""
    from .reports.terminal_tables import print_analysis

    if out is not None:
        table.write(out)
    analysis = table.compare(target)
    if html is not None:
        from .reports import study

        study.write(html, table, analysis.to_dict())
    if not _printed(as_json, analysis.to_dict()):
        print_analysis(analysis)
        for path in (html, as_json, out):
            if path is not None:
                typer.echo(f"Written: {path}")


def _printed(path: Path | None, data: dict[str, Any]) -> bool:
    """Whether the data went to stdout; to a file if one is named."""
    if path is None:
        return False
    text = json.dumps(data, indent=2, allow_nan=False)
    if str(path) == "-":
        typer.echo(text)
        return True
    from .files import write_whole

    write_whole(path, lambda part: part.write_text(f"{text}\n", encoding="utf-8"))
    return False


def _seconds(text: str) -> float:
    match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(ms|s|min)?\s*", text)
    if match is None:
        raise ConfigurationError(f'--trim {text!r} is no time: write "3s", "500 ms" or "1 min"')
    return float(match[1]) * {"ms": 1e-3, "s": 1.0, "min": 60.0}[match[2] or "s"]
