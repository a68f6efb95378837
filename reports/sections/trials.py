"""All trials, one by one."""

from __future__ import annotations

from ...benchmarks.tables.table import counted
from ...models.outcome import State
from ..store import write_cell
from .section import Section
from .whole import Whole

PAGE = 50
"""Trials that are shown at once."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet takes text that begins so for one


def trials_section(whole: Whole) -> Section | None:
    """Show the trials of the whole table, which scripts search, sort and hand out."""
    store, metric = whole.store, whole.table.metric
    if store is None or not len(store.kept.trials):
        return None
    trials = store.kept.trials
    known = {column.name: column for column in store.columns}
    columns = [known[name] for name in store.shown]
    first = trials.head(PAGE)
    cells = [[write_cell(v, c.form, metric) for v in first[c.name]] for c in columns]
    messages = first["message"] if "message" in known else [None] * len(first)
    states = whole.table.trials["state"].value_counts()
    formula = any(
        isinstance(word, str) and word.startswith(_FORMULA)
        for column in store.columns
        if not column.number
        for word in column.content["words"]
    )
    return Section(
        "trials",
        "Trials",
        "Trial by trial, with the reason where one failed. What is selected here or in a figure is "
        "selected everywhere.",
        template="trials",
        content={
            "columns": columns,
            "rows": list(zip(first["strategy"], messages, zip(*cells, strict=True), strict=True)),
            "states": {
                state: f"{count:,} {state}"
                for state, count in states.items()
                if len(states) > 1 or state != State.COMPLETE
            },
            "more": counted(len(trials) - len(first), "trial") if len(trials) > PAGE else "",
            "note": store.kept.note("On this page"),
            "formula": formula,
        },
    )
