"""What people see in a terminal: progress on stderr, tables on stdout."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..energy.carbon import format_grams
from .format import format_duration, format_energy, format_interval, format_percent, format_value

if TYPE_CHECKING:
    from ..api import Result
    from ..benchmarks.comparison.events import Run
    from ..benchmarks.comparison.experiment import Experiment
    from ..energy import Reading, SourceInfo
    from ..energy.calibration.stored import Calibration
    from ..energy.carbon import CarbonIntensity
    from ..energy.doctor import ComponentStatus
    from ..tuners.registry import Recipe

PLAIN_LINE_S = 5.0
"""How often a line of progress is printed where stderr is no terminal."""


class LiveProgress:
    """One bar per strategy in joules of its budget; plain lines where stderr is no terminal."""

    def __init__(self) -> None:
        self._console = open_console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description:<14}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
        )
        self._tasks: dict[str, TaskID] = {}
        self._budget_j = 0.0
        self._started = self._next_line = 0.0

    def __enter__(self) -> LiveProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:  # elsewhere stopping would print an empty line
            self._bars.stop()

    def begin(self, experiment: Experiment, sources: list[SourceInfo], workers: int) -> None:
        """Say what begins: meter and budget first."""
        meters = ", ".join(f"{s.component} {s.kind.value} ({s.id})" for s in sources)
        self._budget_j = experiment.budget_j
        self._console.print(
            f"Meter: {meters}. Budget: {format_energy(experiment.budget_j)}, "
            f"{format_energy(experiment.allotment_j)} for each of {experiment.n_runs} runs "
            f"({len(experiment.strategies)} strategies x {experiment.seeds} seeds), "
            f"{workers} worker{'s' if workers > 1 else ''}, {experiment.dataset}.",
        )
        self._console.print("Starting the workers and rehearsing (charged to no run) ...")
        for name in experiment.strategies:
            share_j = experiment.allotment_j * experiment.seeds
            self._tasks[name] = self._bars.add_task(name, total=share_j, text="")

    def update(self, runs: list[Run], inflight_j: dict[str, float | None]) -> None:
        """Show the present state."""
        if not self._started:
            self._started = time.perf_counter()
            if self._console.is_terminal:
                self._bars.start()
        if self._console.is_terminal:
            for name, task in self._tasks.items():
                own = [run for run in runs if run.strategy == name]
                spent_j = _spent_j(own, inflight_j)
                if all(run.end is not None for run in own):
                    self._bars.update(task, total=spent_j or 1.0)
                self._bars.update(task, completed=spent_j, text=self._line(own, spent_j))
        elif time.perf_counter() >= self._next_line:
            self._next_line = time.perf_counter() + PLAIN_LINE_S
            spent_j = _spent_j(runs, inflight_j)
            share = "n/a" if spent_j is None else f"{spent_j / self._budget_j:.0%}"
            self._console.print(f"{share:>4} of the budget: {self._line(runs, spent_j)}")

    def stopping(self) -> None:
        """Say that Ctrl-C was heard."""
        self._console.print("Stopping: keeping what is done, then writing the report ...")

    def _line(self, runs: list[Run], spent_j: float | None) -> str:
        trials = sum(run.n_trials for run in runs)
        best = max((run.incumbent for run in runs if run.incumbent is not None), default=None)
        rate = trials / max(time.perf_counter() - self._started, 0.1)
        found = "no result yet" if best is None else f"best {best:.1%}"
        return f"{format_energy(spent_j):>8}, {trials} trials ({rate:.1f}/s), {found}"


def _spent_j(runs: list[Run], inflight_j: dict[str, float | None]) -> float | None:
    """Joules of these runs, slices in flight included; None if those of one are unknown."""
    spent = [run.spent_j for run in runs] + [inflight_j.get(run.name, 0.0) for run in runs]
    return None if None in spent else sum(each for each in spent if each)


def open_console(*, stderr: bool = False) -> Console:
    """A terminal wraps at words; a file or pipe gets whole lines, and tables of a fair width."""
    console = Console(stderr=stderr, highlight=False, markup=False)
    if console.is_terminal:
        return console
    return Console(stderr=stderr, highlight=False, markup=False, soft_wrap=True, width=120)


def print_comparison(result: Result) -> None:
    """The closing table of a comparison, its verdict, and where the report is."""
    console, summary = open_console(), result.summary
    verdict, workers = summary["verdict"], summary["workers"]
    console.print(_table(summary))
    console.print(verdict["sentence"], style="bold")
    for caveat in verdict["caveats"]:
        console.print(f"- {caveat}")
    for source in summary["provenance"]:
        console.print(f"- {source['component']} energy is {source['kind']}: {source['detail']}.")
    for row in summary["strategies"]:
        if row["prediction_error"] is not None:
            error = format_percent(row["prediction_error"], 0)
            console.print(f"- {row['strategy']} predicted the joules of its slices within {error}.")
    if summary["carbon"] is not None:
        emitted = format_grams(summary["carbon"]["total_g"])
        console.print(f"- The runs emitted {emitted} CO2e at {summary['carbon']['intensity']}.")
    if workers["wait_share"] is not None:
        console.print(
            f"- Workers waited {workers['wait_share']:.1%} of their time, and spent "
            f"{workers['asking_share']:.1%} of it on asks."
        )
    console.print(f"Report: {result.report}", soft_wrap=True)


def print_best(result: Result) -> None:
    """The best candidate of a search."""
    console = open_console()
    [run] = result.summary["runs"]
    spent = f"{format_energy(run['spent_j'])} spent on {run['trials']} trials"
    best = run["incumbent"]
    if best is None:
        console.print(f"No trial was validated: {spent}; give more joules.")
        return
    table = Table("hyperparameter", "value", title="Best candidate", title_justify="left")
    for name, value in best["params"].items():
        table.add_row(name, format_value(value))
    console.print(table)
    console.print(
        f"Validation accuracy {format_percent(best['accuracy'])}, "
        f"test accuracy {format_percent(best['test_accuracy'])}; "
        f"found after {format_energy(best['found_at_j'])}, "
        f"its own training took {format_energy(best['energy_j'])}; {spent}."
    )
    console.print(f"Written: {result.folder / 'best.json'}, best.pt", soft_wrap=True)


def print_findings(findings: list[ComponentStatus]) -> None:
    """What `perjoule doctor` found."""
    table = Table.grid(padding=(0, 2, 1, 0))
    for each in findings:
        lines = [_quality(each), each.detail, *each.notes, each.mend and f"To mend it: {each.mend}"]
        table.add_row(each.component, each.status, "\n".join(filter(None, lines)))
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
    amount = f"{format_energy(reading.total_j)} {reading.kind}"
    if len(reading.totals_j) > 1:
        kinds = " + ".join(f"{format_energy(j)} {kind}" for kind, j in reading.totals_j.items())
        amount = f"{format_energy(reading.total_j)} ({kinds})"
    power = ""
    if reading.total_j is not None and reading.duration_s:
        power = f", {reading.total_j / reading.duration_s:.3g} W on average"
    console.print(f"{amount} in {format_duration(reading.duration_s)}{power}")
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


def print_strategies(recipes: list[Recipe]) -> None:
    """The strategies, a line each."""
    table = Table("strategy", "what it does", "seeks", "prunes", "from")
    for recipe in recipes:
        prunes = "yes" if recipe.prunes else "-"
        table.add_row(recipe.name, recipe.summary, recipe.optimises, prunes, recipe.source)
    own = "your own: (space, seed) -> object with ask and tell"
    table.add_row("module:attribute", own, "", "", "you")
    table.add_row("module:Class(...)", "any Optuna sampler, with literal arguments", "", "", "you")
    open_console().print(table)


def _table(summary: dict[str, Any]) -> Table:
    target = format_percent(summary["target_accuracy"])
    table = Table(
        title=f"{summary['experiment']['dataset']}, {summary['status']}", title_justify="left"
    )
    for name in (
        "strategy",
        "trials",
        "best validation",
        "test",
        "joules per run",
        f"joules to {target}",
        "search share",
        "energy",
    ):
        left = name in ("strategy", "energy")
        table.add_column(name, justify="left" if left else "right", no_wrap=left)
    for row in summary["strategies"]:
        hits = row["energy_to_target"]
        ert = "n/a"
        if hits is not None:
            reached = f"({hits['hits']}/{hits['runs']})"
            ert = (
                f"{format_energy(hits['ert_j'])} {reached}" if hits["hits"] else f"never {reached}"
            )
        energy = row["energy_j"]
        table.add_row(
            row["strategy"],
            str(row["trials"]),
            format_score(row["accuracy"]),
            format_percent((row["test_accuracy"] or {}).get("median")),
            format_energy(energy["median"] if energy else None),
            ert,
            format_percent(row["search_share"]),
            row["energy_kind"] or "n/a",
        )
    return table


def format_score(interval: dict[str, Any] | None) -> str:
    """A median with its interval."""
    median = format_percent((interval or {}).get("median"))
    if interval is None or interval["low"] is None:
        return median
    return f"{median} ({format_interval(interval, format_percent)})"
