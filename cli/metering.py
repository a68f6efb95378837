"""The commands that meter: any command, this machine, its sources."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..errors import ConfigurationError, OutputError
from ..files.writing import check_new, write_whole
from .app import command, show, write_json
from .options import AsJson, Carbon, Force, Meter
from .printing import echo


@command(
    "measure", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False}
)
def measure(
    command: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND",
            help="Any command with its arguments; `--` before it ends the options of measure.",
        ),
    ],
    meter: Meter = None,
    series: Annotated[
        Path | None, typer.Option(help="Record power over time into this Parquet file.")
    ] = None,
    period: Annotated[
        float, typer.Option(min=0.01, help="Seconds between two rows of the series.")
    ] = 1.0,
    carbon: Carbon = None,
    budget: Annotated[
        str | None,
        typer.Option(help='Exit with 1 if it used more ("5 kJ"), or that is not known.'),
    ] = None,
    out: Annotated[
        list[Path] | None,
        typer.Option(help="Write the joules to a .json or .md file; repeat for both."),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Run a command and meter it, children included; its exit code is passed on.

    The table goes to stderr, since stdout is the command's.
    """
    from ..energy import EnergyMeter
    from ..energy.carbon import intensity
    from ..energy.command import measure as run
    from ..energy.quantities import parse_energy
    from ..reports.metering_markdown import describe_command
    from ..reports.metering_terminal import print_reading

    files = out or []
    _check_suffixes(files)
    for option, path in [*(("--out", each) for each in files), ("--series", series)]:
        if path is not None:
            _check_place(option, path, force=force)
    budget_j = None if budget is None else parse_energy(budget)
    grid = None if carbon is None else intensity(carbon)
    with EnergyMeter(meter or "auto", series_period_s=period if series else None) as used:
        result = run(command, used)
    grams = None if grid is None else grid.grams(result.reading.total_j)
    data = {
        "command": list(result.command),
        "exit_code": result.exit_code,
        **result.reading.to_dict(),
        "carbon": None if grid is None else {**asdict(grid), "grams": grams},
    }
    emissions = None if grid is None else (grams, grid)
    is_kept, judged = _judge(result.reading.total_j, budget_j)
    # First, so that the joules are told even where a file cannot be written any more.
    show(data, as_json, lambda: print_reading(result.reading, emissions))
    if judged:
        echo(judged, err=True)
    if used.series is not None and series is not None:
        used.series.write(series, force=True)
    for path in files:
        if path.suffix == ".json":
            write_json(path, data)
        else:
            text = describe_command(result, emissions, judged)
            write_whole(path, lambda new, text=text: new.write_text(text, encoding="utf-8"))
    raise typer.Exit(result.exit_code or int(not is_kept))


def _check_suffixes(files: list[Path]) -> None:
    for path in files:
        if path.suffix not in (".json", ".md"):
            raise ConfigurationError(f"--out {path}: end its name with .json or .md")


def _check_place(option: str, path: Path, *, force: bool) -> None:
    """Refuse what could not be written once the command has used its joules."""
    check_new(path, force=force)
    if not path.parent.is_dir():
        raise OutputError(f"{option} {path}: {path.parent} is no folder; make it first")


def _judge(energy_j: float | None, budget_j: float | None) -> tuple[bool, str]:
    """Whether a budget was kept, and what to say of it."""
    from ..energy.quantities import format_energy

    if budget_j is None:
        return True, ""
    budget = f"the budget of {format_energy(budget_j)}"
    if energy_j is None:
        return False, f"the joules are not known, so {budget} cannot be held"
    is_kept = energy_j <= budget_j
    return is_kept, f"{format_energy(energy_j)} {'keep to' if is_kept else 'exceed'} {budget}"


@command("calibrate")
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
    from ..energy.calibration.calibrating import Bench
    from ..energy.calibration.calibrating import calibrate as run
    from ..reports.metering_terminal import print_calibration

    found = run(reference, pairs, idle, Bench(progress=lambda line: echo(line, err=True)))
    show(asdict(found), as_json, lambda: print_calibration(found))


@command("doctor")
def doctor(as_json: AsJson = False) -> None:
    """Say what energy is measured, modelled or unavailable here, why, and how to mend it."""
    from ..energy.calibration.stored import load_calibration
    from ..energy.doctor import diagnose
    from ..reports.metering_terminal import print_findings

    findings, stored = diagnose(), load_calibration()
    data = {
        "components": [asdict(finding) for finding in findings],
        "calibration": None if stored is None else asdict(stored),
    }
    show(data, as_json, lambda: print_findings(findings))
