"""Running a study: foresee it, watch the machine, run its parts as comparisons, one by one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Protocol

from ...energy import EnergyMeter, Reading
from ...energy.load import measure_load
from ...energy.quantities import format_energy
from ...errors import ConfigurationError
from ...version import __version__
from ..comparison.experiment import Experiment, load_experiment
from ..comparison.folder import Folder
from ..comparison.loading import read_run
from ..comparison.trust import make_mark
from ..comparison.watching import ComparisonWatcher
from ..tables.table import Table
from .cells import CELL, write_cell
from .design import Design, Options, Part, Study
from .estimating import Estimate, estimate
from .folder import Idle, StudyFolder, StudyRecord
from .load import LoadWatch

MOST_UNASKED_S = 600.0
"""A study that should take longer needs a yes."""
LOAD_S = 1.0  # seconds over which the load before it is measured
IDLE_S = {True: 3.0, False: 20.0}  # seconds of idling that are metered, by whether it is quick


class StudyWatcher(ComparisonWatcher, Protocol):
    """Who is shown how a study goes."""

    def foreseen(self, estimate: Estimate) -> None:
        """Take what the study should take."""
        ...

    def part(self, part: Part, number: int, parts: Sequence[Estimate | None]) -> None:
        """A part begins: its place, and what each of them should take, None where unknown."""
        ...

    def note(self, sentence: str) -> None:
        """Take what is to be known at once."""
        ...


def experiment_of(part: Part, options: Options) -> Experiment:
    """A part as an experiment; what the options say holds.

    Raises:
        PerjouleError: Something in it cannot be used.
    """
    values: dict[str, Any] = {
        "meter": options.meter,
        "device": options.device,
        "carbon": options.carbon,
        "workers": options.workers or part.workers,
        "metric": part.metric,
        "seeds": options.repetitions or part.repetitions,
        "budget": "unlimited",
    }
    if part.cells:
        choices = [write_cell(cell) for cell in part.cells]
        values |= {
            "objective": part.objective,
            "space": {CELL: {"type": "categorical", "choices": choices}, "epochs": part.epochs},
            "strategies": ["grid"],
            "trials": len(choices),
        }
    return load_experiment(None, {**values, **part.experiment})


def foresee(design: Design, options: Options) -> dict[str, Estimate]:
    """What each part of a study should take on this machine; see `estimating.estimate`."""
    from ..comparison.domains import find_sources
    from ..comparison.start import workers_of

    foreseen = {}
    for part in design.parts:
        experiment = experiment_of(part, options)
        workers = workers_of(experiment, find_sources(experiment))
        foreseen[part.name] = estimate(part, experiment, workers)
    return foreseen


def begin(
    study: Study,
    options: Options,
    folder: StudyFolder,
    *,
    agreed: bool,
    watcher: StudyWatcher | None,
) -> None:
    """Foresee a new study, and write down what it is and how the machine idles.

    Args:
        study: The study.
        options: What is asked of it.
        folder: A folder that is free.
        agreed: Whether it may take longer than ten minutes.
        watcher: Is told what it should take.

    Raises:
        ConfigurationError: It would take longer than that.
        OutputError: The folder is not free, or cannot be made.
        PerjouleError: Something in it cannot be used.
    """
    design = study.design(options)
    Folder(folder.path).check_free()
    before_cores, began_s = measure_load(LOAD_S), time.perf_counter()
    parts = foresee(design, options)
    expected = sum(parts.values(), Estimate(0.0, 0.0, 0))
    if watcher is not None:
        watcher.foreseen(expected)
    if expected.duration_s > MOST_UNASKED_S and not agreed:
        quick = "" if options.quick else ", or --quick"
        raise ConfigurationError(
            f"study {study.name} would take about {expected.duration_s / 60:.0f} minutes and "
            f"{format_energy(expected.energy_j)} here ({expected.trials:,} trials, foreseen in "
            f"{time.perf_counter() - began_s:.0f} s): add --yes to run it{quick}"
        )
    idle_s = IDLE_S[options.quick]
    with EnergyMeter(options.meter) as meter:
        window = meter.window()
        time.sleep(idle_s)
        idle = _idle(window.close())
    record = StudyRecord(
        study=study.name,
        options=options,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        perjoule=__version__,
        estimate=expected,
        idle=idle,
        idle_s=idle_s,
        before_cores=before_cores,
        parts=parts,
        mark=make_mark(asdict(options)),
    )
    with folder.locked():
        Folder(folder.path).check_free()
        folder.write(record)


def check_begun(study: Study, options: Options, folder: StudyFolder) -> None:
    """Make sure that all parts that were begun go on with the design that they were begun with.

    Raises:
        ConfigurationError: The study has another one now.
        OutputError: A part is damaged.
    """
    for part in study.design(options).parts:
        if is_begun(own := folder.part(part.name)):
            begun = Experiment(**own.description()["experiment"])
            _check_same_design(own, experiment_of(part, options), begun)


def go_on(
    study: Study,
    options: Options,
    folder: StudyFolder,
    *,
    executor: Executor | None,
    watcher: StudyWatcher | None,
) -> None:
    """Run what is left of a study's parts; returns early if somebody stops it."""
    from ..comparison.start import run_comparison

    design, foreseen = study.design(options), folder.record().parts
    expected = [foreseen.get(part.name) for part in design.parts]
    with LoadWatch(folder.load, None if watcher is None else watcher.note):
        for number, part in enumerate(design.parts):
            if watcher is not None:
                watcher.part(part, number, expected)
            own, experiment = folder.part(part.name), experiment_of(part, options)
            resumed = own.description() if is_begun(own) else None
            if resumed is None or not is_over(own):
                was_stopped = run_comparison(
                    experiment, own, resumed=resumed, executor=executor, progress=watcher
                )
                if was_stopped:
                    return
            if not is_over(own):
                return


def _check_same_design(folder: Folder, wanted: Experiment, begun: Experiment) -> None:
    for name, value in wanted.model_dump().items():
        if name != "workers" and value != (before := getattr(begun, name)):
            raise ConfigurationError(
                f"{folder.path} was begun with {name} = {before!r}, and the study now has "
                f"{value!r}: go on with the version of perjoule that began it, or begin anew with "
                "another --out"
            )


def is_begun(folder: Folder) -> bool:
    """Whether a part has a run folder."""
    return (folder.path / "experiment.yaml").exists()


def is_over(folder: Folder) -> bool:
    """Whether all runs of a part have ended."""
    if not folder.was_begun:  # killed before its first event
        return False
    return has_ended(read_run(folder.path))


def has_ended(table: Table) -> bool:
    """Whether all runs of a part's table have ended."""
    return table.runs is not None and bool(table.runs["end"].notna().all())


def _idle(reading: Reading) -> tuple[Idle, ...]:
    def power_w(energy_j: float | None) -> float | None:
        return None if energy_j is None else energy_j / reading.duration_s

    return tuple(
        Idle(part.source, part.component, part.kind.value, power_w(part.energy_j))
        for part in reading.components
    )
