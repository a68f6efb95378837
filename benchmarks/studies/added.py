"""Trial tables that somebody recorded, read as a study groups its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..comparison.loading import load_table
from .tables import with_groups

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..tables.loading import Loadable
    from ..tables.table import Table


def load_added(
    tables: Sequence[Loadable], mapping: str | Sequence[str], by: Sequence[str]
) -> list[Table]:
    """Read tables of other machines, each with all groups of a design."""
    read = [load_grouped(each, mapping, by) for each in tables]
    return [load_table(with_groups(each, by), by=by) for each in read]


def load_grouped(
    source: Loadable | Sequence[Loadable], mapping: str | Sequence[str], by: Sequence[str]
) -> Table:
    """Read somebody's tables, grouped by what they have of a design's groups."""
    known = load_table(source, by="none", mapping=mapping).trials
    present = [name for name in by if f"g.{name}" in known or f"p.{name}" in known]
    return load_table(source, by=present or "none", mapping=mapping)
