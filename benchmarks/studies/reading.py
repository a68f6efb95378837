"""Reading a study's folder: one trial table of its parts and of what was added, and its design."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from math import isnan
from typing import Any

from ...energy.quantities import total
from ...errors import OutputError
from ..comparison.loading import load_table, read_run
from ..statistics.runs import floats
from ..tables.joining import join_tables, number_equal_names
from ..tables.table import Table
from .design import Design, Options, Part, Study
from .estimating import Estimate
from .folder import StudyFolder, StudyRecord
from .load import PERIOD_S, Load, read_load
from .running import has_ended
from .tables import study_table

MOST_LEVELS = 15
"""Levels of a factor that are listed; of more numbers, only their range."""


def read_study(study: Study, folder: StudyFolder) -> tuple[Table, bool]:
    """The trial table of a study so far, and whether the study is over.

    Raises:
        OutputError: No trial has ended yet, or something is damaged.
    """
    record = folder.record()
    design = study.design(record.options)
    kept = [(part, folder.part(part.name)) for part in design.parts]
    begun = [(part, own) for part, own in kept if own.was_begun]
    tables = [read_run(own.path) for _, own in begun]
    if not any(len(table.trials) for table in tables):
        raise OutputError(f"{folder.path}: no trial has ended yet: go on with it by --resume")
    so_far = replace(design, parts=tuple(part for part, _ in begun))
    table = study_table(folder.path.resolve().name, so_far, tables)
    load = read_load(folder.load, record.before_cores)
    took = _took(table, load)
    over = len(begun) == len(kept) and all(map(has_ended, tables))
    description = {
        **(table.description or {}),
        "created": record.created,
        "study": describe(study, design, record, load) | {"took": took.to_dict(), "over": over},
    }
    notes = (*design.notes, *table.notes, *([load.warning] if load.warning else []))
    if added := [load_table(path, by=design.by) for path in folder.added]:
        table = join_tables(number_equal_names([table, *added]))
        notes += (f"Analysed with what was added: {', '.join(each.name for each in added)}.",)
    table = replace(
        table, name=folder.path.resolve().name, by=design.by, description=description, notes=notes
    )
    return table, over


def describe(study: Study, design: Design, record: StudyRecord, load: Load) -> dict[str, Any]:
    """What a study's table says of it, in plain data."""
    return {
        **{name: getattr(study, name) for name in ("name", "question", "paper", "link")},
        "options": asdict(record.options),
        "design": {part.name: _part_facts(part, record.options) for part in design.parts},
        "fixed": {name: str(each) for name, each in design.fixed.items()},
        "estimate": record.estimate.to_dict(),
        "idle": [each.to_dict() for each in record.idle],
        "idle_s": record.idle_s,
        "load": load.to_dict(),
    }


def _part_facts(part: Part, options: Options) -> list[str]:
    """The size of a part, then the levels of each of its factors."""
    repetitions = options.repetitions or part.repetitions
    size = f"{len(part.cells)} cells x {repetitions} repetitions" if part.cells else "a search"
    return [size, *_levels(part)]


def _took(table: Table, load: Load) -> Estimate:
    """What the trials took: seconds while the machine was watched, else those of the trials.

    NaN where those of a trial are not known either.
    """
    trials = table.trials
    joules = [None if isnan(each) else each for each in floats(trials["energy_j"])]
    seconds = load.samples * PERIOD_S or float(trials["duration_s"].sum(min_count=len(trials)))
    return Estimate(seconds, total(joules), len(trials))


def _levels(part: Part) -> Iterator[str]:
    names = dict.fromkeys(name for cell in part.cells for name in cell)
    for name in names:
        levels = list(dict.fromkeys(cell.get(name) for cell in part.cells))
        told = ", ".join(map(str, levels))
        numbers = [each for each in levels if isinstance(each, int | float)]
        if len(levels) == len(numbers) > MOST_LEVELS:
            told = f"{len(levels)} levels from {min(numbers)} to {max(numbers)}"
        yield f"{name}: {told}"
