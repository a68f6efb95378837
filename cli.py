"""The command line: parse, call, print. Results on stdout, progress on stderr.

Exit codes: 0 done, 1 an audit found something, 2 something must be mended first (one line says
what), 130 stopped by Ctrl-C with everything kept.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from . import cli_tables
from .errors import PerjouleError
from .version import __version__

app = typer.Typer(
    help="Which hyperparameter search finds the most accurate network for the fewest joules?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

MOST_SHOWN = 1_000
"""Characters of an error that are shown."""

Dataset = Annotated[str | None, typer.Option(help="Data set: digits, fashion-mnist.")]
Meter = Annotated[
    str | None,
    typer.Option(
        help="auto, cpu_time[:watts per core], rapl, nvml, hwmon, shelly:HOST, tasmota:HOST, "
        "http:URL#json.path, replay:FILE.csv, codecarbon, model; see `perjoule doctor`."
    ),
]
Device = Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; chosen if not given.")]
Carbon = Annotated[
    str | None,
    typer.Option(help='Tell grams of CO2e too: "FRA", "USA/CA", "56 g/kWh"; never guessed.'),
]
Out = Annotated[Path | None, typer.Option(help="Run folder; a new one under runs/ if not given.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run folder --out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print plain JSON.")]
File = Annotated[
    Path | None, typer.Argument(metavar="[EXPERIMENT.yaml]", help="See `perjoule init`.")
]


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Print the version, or go on to the command."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def compare(
    experiment: File = None,
    dataset: Dataset = None,
    strategies: Annotated[
        str | None, typer.Option(help="Names joined by commas, or all; see `perjoule strategies`.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help='Energy all runs share: "200 J", "6 kJ", "0.2 Wh".')
    ] = None,
    seeds: Annotated[int | None, typer.Option(help="Runs per strategy.")] = None,
    meter: Meter = None,
    workers: Annotated[int | None, typer.Option(help="Trials at a time.")] = None,
    device: Device = None,
    fidelity: Annotated[
        str | None, typer.Option(help="Rungs of multi-fidelity strategies: epochs, joules.")
    ] = None,
    carbon: Carbon = None,
    out: Out = None,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Compare search strategies that share an energy budget; writes a report."""
    from . import api
    from .reports.terminal import LiveProgress, print_comparison

    with LiveProgress() as progress:
        result = api.compare(
            experiment,
            out=out,
            resume=resume,
            progress=progress,
            dataset=dataset,
            strategies=strategies,
            budget=budget,
            seeds=seeds,
            meter=meter,
            workers=workers,
            device=device,
            fidelity=fidelity,
            carbon=carbon,
        )
    _show(result.summary, as_json, lambda: print_comparison(result))
    _exit_if_interrupted(result)


@app.command()
def tune(
    strategy: Annotated[
        str | None, typer.Option(help="See `perjoule strategies`; tpe if not given.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(help='Energy to spend: "0.2 Wh"; 60 J if not given.')
    ] = None,
    dataset: Dataset = None,
    meter: Meter = None,
    device: Device = None,
    carbon: Carbon = None,
    out: Out = None,
    resume: Resume = False,
    as_json: AsJson = False,
) -> None:
    """Search with one strategy until the budget is spent; writes best.json and best.pt."""
    from . import api
    from .reports.terminal import LiveProgress, print_best

    with LiveProgress() as progress:
        result = api.tune(
            strategy,
            budget,
            out=out,
            resume=resume,
            progress=progress,
            dataset=dataset,
            meter=meter,
            device=device,
            carbon=carbon,
        )
    _show(result.summary["runs"][0], as_json, lambda: print_best(result))
    _exit_if_interrupted(result)


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def measure(
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="Any command with its arguments.")
    ],
    meter: Meter = None,
    series: Annotated[
        Path | None, typer.Option(help="Record power over time into this Parquet file.")
    ] = None,
    period: Annotated[
        float, typer.Option(min=0.01, help="Seconds between two rows of the series.")
    ] = 1.0,
    carbon: Carbon = None,
    as_json: AsJson = False,
) -> None:
    """Run a command and meter it, children included; its exit code is passed on.

    The table goes to stderr, since stdout is the command's.
    """
    from .energy import EnergyMeter
    from .energy.carbon import intensity
    from .energy.command import measure as run

    grid = None if carbon is None else intensity(carbon)
    with EnergyMeter(meter or "auto", series_period_s=period if series else None) as used:
        result = run(command, used)
    if used.series is not None and series is not None:
        used.series.write(series)
    grams = None if grid is None else grid.grams(result.reading.total_j)

    def show() -> None:
        from .reports.terminal import print_reading

        print_reading(result.reading, None if grid is None else (grams, grid))

    emissions = None if grid is None else {**asdict(grid), "grams": grams}
    data = {
        "command": list(result.command),
        "exit_code": result.exit_code,
        **result.reading.to_dict(),
        "carbon": emissions,
    }
    _show(data, as_json, show)
    raise typer.Exit(result.exit_code)


@app.command()
def calibrate(
    reference: Annotated[
        str, typer.Option(help="What to calibrate against: auto, rapl, shelly:HOST ...")
    ] = "auto",
    idle: Annotated[float, typer.Option(help="Seconds to measure idle power.")] = 20.0,
    pairs: Annotated[
        Path | None,
        typer.Option(help="Recorded windows to fit instead: duration_s,cpu_s,energy_j."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure idle power and watts per busy core of this machine, and store them."""
    from .energy.calibration.calibrating import Bench
    from .energy.calibration.calibrating import calibrate as run

    found = run(reference, pairs, idle, Bench(progress=lambda line: typer.echo(line, err=True)))

    def show() -> None:
        from .reports.terminal import print_calibration

        print_calibration(found)

    _show(asdict(found), as_json, show)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what energy is measured, modelled or unavailable here, why, and how to mend it."""
    from .energy.calibration.stored import load_calibration
    from .energy.doctor import diagnose

    findings = diagnose()

    def show() -> None:
        from .reports.terminal import print_findings

        print_findings(findings)

    stored = load_calibration()
    data = {
        "components": [asdict(finding) for finding in findings],
        "calibration": None if stored is None else asdict(stored),
    }
    _show(data, as_json, show)


@app.command()
def strategies(as_json: AsJson = False) -> None:
    """List the search strategies."""
    from .tuners.registry import RECIPES

    def show() -> None:
        from .reports.terminal import print_strategies

        print_strategies(list(RECIPES.values()))

    told = ("name", "summary", "optimises", "prunes", "source")
    rows = [{key: getattr(recipe, key) for key in told} for recipe in RECIPES.values()]
    _show(rows, as_json, show)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("experiment.yaml"),
) -> None:
    """Write a commented experiment file."""
    from .benchmarks.comparison.experiment import EXAMPLE
    from .errors import OutputError

    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(EXAMPLE)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); name another") from error
    typer.echo(f"{path} written; run it with: perjoule compare {path}")


for name, command in (
    ("report", cli_tables.report),
    ("replay", cli_tables.replay),
    ("import", cli_tables.import_),
    ("audit", cli_tables.audit),
):
    app.command(name)(command)


def main() -> None:
    """Run the command line; what the user can mend is one line and exit code 2."""
    sys.path.append("")  # module:attribute may name a file in the current folder
    try:
        app()
    except PerjouleError as error:
        line = " ".join(str(error).split())  # it may quote a file, whose cells hold anything
        typer.echo(f"perjoule: {line[:MOST_SHOWN]}{'…' * (len(line) > MOST_SHOWN)}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("perjoule: stopped; add --resume and --out to go on", err=True)
        sys.exit(130)


def _show(data: Any, as_json: bool, show: Any) -> None:
    if as_json:
        typer.echo(json.dumps(data, indent=2))
    else:
        show()


def _exit_if_interrupted(result: Any) -> None:
    if result.summary["status"] == "interrupted":
        folder = result.folder
        command = "tune" if (folder / "weights").exists() else "compare"
        typer.echo(
            f"Interrupted; nothing is lost. Go on with: perjoule {command} --resume --out {folder}",
            err=True,
        )
        raise typer.Exit(130)
