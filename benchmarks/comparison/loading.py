"""Reading trial tables and run folders: a run folder is the table that its ledger tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import DataError
from ..tables.loading import Loadable, read_derived, read_table
from ..tables.table import Table
from .folder import Folder
from .record import curve_table, slice_table, trial_table


def load_table(
    source: Loadable | Sequence[Loadable],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
) -> Table:
    """Read a trial table; of a run folder, from its ledger.

    Args:
        source: As in `tables.loading.read_table`; a run folder may be there too.
        by: As there. Of a run folder also what its experiment says (``dataset``, ``architecture``,
            ``meter`` …).
        mapping: As there.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
    """
    return read_table(source, by=by, mapping=mapping, read_folder=read_run)


def read_run(path: Path) -> Table:
    """Read a run folder: its ledger, or where it has none the tables derived from it.

    Raises:
        DataError: The ledger is damaged, no trial has ended yet, or there is neither.
    """
    if not (path / "ledger.jsonl").exists():
        return read_derived(path)
    folder = Folder(path)
    description, events = folder.description(), folder.events()
    try:
        trials, slices, curves = trial_table(events), slice_table(events), curve_table(events)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{folder.ledger}: damaged ({reason[:100]}); restore a copy") from error
    if trials.empty:
        raise DataError(f"{path}: no trial has ended yet: go on with it by --resume")
    return Table(
        trials,
        path.resolve().name,
        curves=curves,
        slices=slices if len(slices) > len(trials) else None,
        description=description,
    )
