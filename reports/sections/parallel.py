"""Every trial as a line through its hyperparameters, its joules and its score."""

from __future__ import annotations

from dataclasses import asdict

from ..figures.parallel import parallel_axes
from ..thinning import thin_trials
from .section import Section, Subject


def parallel_section(subject: Subject) -> Section | None:
    """Show the trials in parallel coordinates, where hyperparameters vary."""
    table, drawing = subject.table, subject.drawing
    space = (table.description or {}).get("space") or {}
    axes = parallel_axes(table.trials, table.dimensions.searched, space, drawing.metric)
    if not subject.is_scored or len(axes) < 3:
        return None
    drawn = thin_trials(table.trials, drawing.most, drawing.metric)
    rows = drawn.trials.index.tolist()
    return Section(
        f"parallel-{subject.number}-section",
        "Parallel coordinates",
        "Each line is one trial, from its hyperparameters to its joules and its score. Drag along "
        "an axis to keep the trials that lie there, on several axes to keep those that lie within "
        "all; a click on an axis lets it go.",
        template="parallel",
        content={
            "number": subject.number,
            "data": {"axes": [asdict(axis) for axis in axes], "rows": rows},
            "strategies": [name for name in drawing.looks if name in subject.facts.strategies],
            "note": drawn.note("Drawn"),
            "min_width_rem": 4.8 * len(axes) + 3,
        },
        rows=rows,
    )
