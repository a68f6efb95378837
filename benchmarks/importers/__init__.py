"""Trial tables from what other tools recorded.

::

    table = perjoule.import_table("codecarbon", "emissions.csv")             # in memory
    imported = import_to("nvidia-smi", ["a.csv", "b.csv"], "traces.parquet", trim_s=3)

Each format is one entry of the registry and one module with ``trials(paths, options, notes)``,
which reads row by row, so that files of any size fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import DataError
from ...files.writing import check_new
from .registry import FORMATS, Format, ImportOptions, find_format, formats_help

if TYPE_CHECKING:
    from ..tables.table import Table
    from .writing import Notes, Trials

__all__ = [
    "FORMATS",
    "Format",
    "ImportOptions",
    "Imported",
    "formats_help",
    "import_table",
    "import_to",
]

Paths = str | Path | Sequence[str | Path]
_DEFAULTS = ImportOptions()


@dataclass(frozen=True)
class Imported:
    """What an import wrote: how many trials, and in sentences what was odd."""

    rows: int
    notes: tuple[str, ...]


def import_table(
    format: str, paths: Paths, options: ImportOptions = _DEFAULTS, **changed: Any
) -> Table:
    """Read what another tool recorded as a trial table in memory.

    Args:
        format: One of ``FORMATS``.
        paths: A file or several; for ``optuna`` also a storage URL.
        options: What is asked of the import.
        **changed: Fields of `ImportOptions` laid over them.

    Returns:
        The table; its notes say what was odd.

    Raises:
        UnknownNameError: There is no such format.
        ConfigurationError: An option is wrong, or the format has no use for it.
        DataError: A file cannot be read; the message says where and why.
    """
    from ..tables.sides import check_curves
    from ..tables.table import Table
    from ..tables.tidying import tidy
    from .writing import frame_of

    names, where, trials, notes = _open(format, paths, replace(options, **changed))
    name = Path(names[0]).stem if len(names) == 1 else format
    rows = tidy(frame_of(trials, where), name, metric=trials.metric)
    points = trials.curve_frame()
    curves = None if points is None else check_curves(points, name, trials.metric)
    return Table(rows, name, curves=curves, description=trials.description, notes=notes.sentences)


def import_to(
    format: str,
    paths: Paths,
    out: str | Path,
    options: ImportOptions = _DEFAULTS,
    *,
    force: bool = False,
    **changed: Any,
) -> Imported:
    """Write what `import_table` would read to ``out``, batch by batch: whole, or not at all.

    Raises:
        OutputError: ``out`` ends in neither ``.parquet`` nor ``.csv``, cannot be written, or is
            there and ``force`` is not given.
    """
    from .writing import write

    check_new(Path(out), force=force)
    _, where, trials, notes = _open(format, paths, replace(options, **changed))
    return Imported(write(trials, Path(out), where, notes), notes.sentences)


def _open(
    format: str, paths: Paths, options: ImportOptions
) -> tuple[list[str], str, Trials, Notes]:
    """The files, for messages too; trials still to be read; the notes that reading will fill."""
    from .files import hide_password
    from .writing import Notes

    names = [str(path) for path in ([paths] if isinstance(paths, str | Path) else paths)]
    if not names:
        raise DataError("no file is given: name one or more")
    found, notes = find_format(format, options), Notes()
    reader = import_module(f".{found.name.replace('-', '_')}", __name__)
    where = ", ".join(map(hide_password, names[:3]))
    return names, where, reader.trials(names, options, notes), notes
