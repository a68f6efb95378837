"""What a metered command used, as Markdown: for summaries of jobs and comments on changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..energy.carbon import format_grams
from ..energy.quantities import total
from .format import format_duration, format_energy, format_percent

if TYPE_CHECKING:
    from ..energy import Reading
    from ..energy.carbon import CarbonIntensity
    from ..energy.command import CommandResult


def describe_command(
    result: CommandResult,
    emissions: tuple[float | None, CarbonIntensity] | None = None,
    judged: str = "",
) -> str:
    """A heading sentence, a table of the components, and what is to be known of them.

    Args:
        result: What the command used.
        emissions: Grams, and what a kilowatt-hour emits.
        judged: What is to be said of a budget.
    """
    reading = result.reading
    lines = [f"**{amount_of(reading)}**{_off(reading)} in {format_duration(reading.duration_s)}"]
    if emissions is not None:
        lines[0] += f", {format_grams(emissions[0])} CO2e at {_plain(str(emissions[1]))}"
    if result.exit_code:
        lines[0] += f"; the command ended with exit code {result.exit_code}"
    if judged:
        lines += ["", judged]
    lines += ["", "| component | energy | may be off by | kind | source |", "|---|--:|--:|---|---|"]
    for part in reading.components:
        note = "" if part.source in reading.billed else " (not billed)"
        cells = (
            part.component,
            format_energy(part.energy_j),
            format_energy(part.error_j),
            part.kind.value,
            f"{part.source}{note}",
        )
        lines.append(f"| {' | '.join(map(_plain, cells))} |")
    if reading.warnings:
        lines += ["", *(f"- {_plain(warning)}" for warning in reading.warnings)]
    return "\n".join(lines) + "\n"


def amount_of(reading: Reading) -> str:
    """The joules with their kind; of several kinds, each apart."""
    amount = f"{format_energy(reading.total_j)} {reading.kind}"
    if len(reading.totals_j) > 1:
        kinds = " + ".join(f"{format_energy(j)} {kind}" for kind, j in reading.totals_j.items())
        amount = f"{format_energy(reading.total_j)} ({kinds})"
    return amount


def _off(reading: Reading) -> str:
    """How far off they may be, where that is known."""
    billed = [part for part in reading.components if part.source in reading.billed]
    error_j = total(part.error_j for part in billed) if billed else None
    if error_j is None or not reading.total_j:
        return ""
    return f" ± {format_percent(error_j / reading.total_j, 0)}"


def _plain(text: str) -> str:
    """Text that Markdown and HTML leave as it is, in one line."""
    marks = {ord(mark): f"\\{mark}" for mark in "\\`*_[]|~"} | {
        ord("<"): "&lt;",
        ord("&"): "&amp;",
        ord("@"): "@\N{ZERO WIDTH SPACE}",  # GitHub mentions whom a backslash stands before, too
        ord("#"): "#\N{ZERO WIDTH SPACE}",
    }
    return " ".join(text.split()).translate(marks)
