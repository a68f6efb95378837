"""What people see in a terminal of meters: what there is, what they read, what is calibrated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from ..energy.carbon import format_grams
from .format import format_duration, format_energy, format_percent
from .metering_markdown import amount_of
from .progress.console import open_console

if TYPE_CHECKING:
    from ..energy import Reading
    from ..energy.calibration.stored import Calibration
    from ..energy.carbon import CarbonIntensity
    from ..energy.doctor import ComponentStatus


def print_findings(findings: list[ComponentStatus]) -> None:
    """What `perjoule doctor` found."""
    table = Table.grid(padding=(0, 2, 1, 0))
    for each in findings:
        lines = [_quality(each), each.detail, *each.notes, each.mend and f"To mend it: {each.mend}"]
        table.add_row(each.component, each.status, Text("\n").join(map(Text, filter(None, lines))))
    open_console().print(table)


def _quality(finding: ComponentStatus) -> str:
    """Which source reads, and how well, in a few words."""
    facts = [finding.source] if finding.source else []
    if finding.tick_s or finding.update_period_s:
        facts.append(f"moves every {format_duration(finding.tick_s or finding.update_period_s)}")
    if finding.read_latency_s is not None:
        facts.append(f"read in {format_duration(finding.read_latency_s)}")
    if finding.counter_w is not None:
        facts.append(f"{finding.counter_w:.3g} W now")
    if finding.integrated_w is not None:
        facts.append(f"{finding.integrated_w:.3g} W by its power")
    if finding.gain_error is not None:
        facts.append(f"gain within {format_percent(finding.gain_error, 0)}")
    return ", ".join(facts)


def print_reading(
    reading: Reading, emissions: tuple[float | None, CarbonIntensity] | None = None
) -> None:
    """What a metered command used, on stderr."""
    console = open_console(stderr=True)
    table = Table("component", "kind", "source")
    for name in ("energy", "beyond idle", "± step", "± gain"):
        table.add_column(name, justify="right")
    for part in reading.components:
        billed = "" if part.source in reading.billed else " (not billed)"
        table.add_row(
            part.component,
            part.kind.value,
            f"{part.source}{billed}",
            format_energy(part.energy_j),
            format_energy(part.net_j),
            format_energy(part.bound_j),
            format_percent(part.gain_error, 0),
        )
    console.print(table)
    power = ""
    if reading.total_j is not None and reading.duration_s:
        power = f", {reading.total_j / reading.duration_s:.3g} W on average"
    console.print(f"{amount_of(reading)} in {format_duration(reading.duration_s)}{power}")
    if emissions is not None:
        console.print(f"{format_grams(emissions[0])} CO2e at {emissions[1]}")
    for warning in reading.warnings:
        console.print(f"- {warning}")


def print_calibration(calibration: Calibration) -> None:
    """What is stored for this machine."""
    console = open_console()
    table = Table("source", "idle power", "spread", title="Idle power", title_justify="left")
    for name, idle in calibration.idle_w.items():
        table.add_row(name, f"{idle.power_w:.3g} W", f"{idle.spread_w:.2g} W")
    if calibration.idle_w:
        console.print(table)
    if calibration.cpu is not None:
        cpu = calibration.cpu
        console.print(
            f"cpu_time: {cpu.watts_per_core:.3g} W per busy core, within {cpu.residual:.0%}, "
            f"from {cpu.n_windows} windows of {cpu.reference}."
        )
