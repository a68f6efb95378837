"""Trial tables from what other tools recorded.

::

    table = perjoule.import_table("codecarbon", "emissions.csv")             # in memory
    imported = import_to("nvidia-smi", ["a.csv", "b.csv"], "traces.parquet", trim_s=3)

Each format is one module with ``OPTIONS``, the options it has a use for beside ``strategy``, and
``trials(paths, options, notes)``, which reads row by row, so that files of any size fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import ConfigurationError, DataError, UnknownNameError

if TYPE_CHECKING:
    from ..tables.table import Table
    from .writing import Notes, Trials

Paths = str | Path | Sequence[str | Path]


class Format(NamedTuple):
    """What can be imported.

    Attributes:
        name: Its name.
        summary: What is read, and what a row becomes, in one line.
        source: Where the format is described.
    """

    name: str
    summary: str
    source: str


_KNOWN = (
    Format(
        "codecarbon",
        "emissions.csv of CodeCarbon 1 to 3; cumulative rows of a tracker become differences",
        "https://mlco2.github.io/codecarbon/output.html",
    ),
    Format(
        "nvidia-smi",
        "power readings of nvidia-smi --query-gpu=timestamp,power.draw --format=csv; a trial a GPU",
        "https://docs.nvidia.com/deploy/nvidia-smi/",
    ),
    Format(
        "optuna",
        "a study in a journal file or a storage URL; joules from a user attribute",
        "https://optuna.readthedocs.io/en/stable/reference/storages.html",
    ),
    Format(
        "zeus",
        "the CSV log of ZeusMonitor(log_file=...); a trial a window",
        "https://ml.energy/zeus/measure/",
    ),
    Format(
        "butter-e",
        "runs_with_standardized_energy.csv of the BUTTER-E data set; a trial a training",
        "https://data.openei.org/submissions/5991",
    ),
    Format(
        "wattmeter",
        "readings of a power meter of the whole machine, as CSV of times and watts",
        "columns such as time_s,power_w or timestamp,P [W]",
    ),
)
FORMATS = {each.name: each for each in _KNOWN}


@dataclass(frozen=True)
class Options:
    """What can be asked of an import.

    Attributes:
        trim_s: Seconds to cut at both ends of a trace.
        energy_attr: User attribute of a trial that holds joules, or with a factor: "kwh*3.6e6".
        accuracy_attr: What holds the accuracy: a user attribute, or "value" for the objective.
        study: Name of the study.
        strategy: The strategy of every row, in place of what the format tells.
        column: Column or device of a trace.
    """

    trim_s: float = 0.0
    energy_attr: str | None = None
    accuracy_attr: str | None = None
    study: str | None = None
    strategy: str | None = None
    column: str | None = None


@dataclass(frozen=True)
class Imported:
    """What an import wrote.

    Attributes:
        rows: Trials in the table.
        notes: What was odd, in sentences.
    """

    rows: int
    notes: tuple[str, ...]


def import_table(
    format: str,
    paths: Paths,
    *,
    trim_s: float = 0.0,
    energy_attr: str | None = None,
    accuracy_attr: str | None = None,
    study: str | None = None,
    strategy: str | None = None,
    column: str | None = None,
) -> Table:
    """Read what another tool recorded as a trial table in memory.

    Args:
        format: One of ``FORMATS``.
        paths: A file or several; for ``optuna`` also a storage URL.
        trim_s: Seconds to cut at both ends of a trace (nvidia-smi, wattmeter).
        energy_attr: The user attribute of a trial that holds joules, or with a factor such as
            ``"kwh*3.6e6"`` (optuna, which needs it).
        accuracy_attr: What holds the accuracy: a user attribute, or the objective as ``"value"``,
            with a factor (``"value/100"``) or as what is missing to 1 (``"1-value"``). If not
            given, the objective of a study that maximises (optuna).
        study: The name of the study, where there are several (optuna).
        strategy: The strategy of every row, in place of what the format tells.
        column: The power column or the device, as for ``read_trace`` (nvidia-smi, wattmeter).

    Returns:
        The table; its notes say what was odd.

    Raises:
        UnknownNameError: There is no such format.
        ConfigurationError: An option is wrong, or the format has no use for it.
        DataError: A file cannot be read; the message says where and why.
    """
    from ..tables.table import Table
    from ..tables.tidying import tidy
    from .files import shown
    from .writing import Notes, frame_of

    options = Options(trim_s, energy_attr, accuracy_attr, study, strategy, column)
    names, notes = _named(paths), Notes()
    trials = _trials(format, names, options, notes)
    name = Path(names[0]).stem if len(names) == 1 else format
    frame = tidy(frame_of(trials, ", ".join(map(shown, names[:3]))), name)
    return Table(frame, name, notes=notes.sentences)


def import_to(
    format: str,
    paths: Paths,
    out: str | Path,
    *,
    trim_s: float = 0.0,
    energy_attr: str | None = None,
    accuracy_attr: str | None = None,
    study: str | None = None,
    strategy: str | None = None,
    column: str | None = None,
) -> Imported:
    """Write what another tool recorded as a trial table, batch by batch.

    Args:
        format: One of ``FORMATS``.
        paths: A file or several; for ``optuna`` also a storage URL.
        out: The table to write, ``.parquet`` or ``.csv``: whole, or not at all.
        trim_s: See ``import_table``.
        energy_attr: See ``import_table``.
        accuracy_attr: See ``import_table``.
        study: See ``import_table``.
        strategy: See ``import_table``.
        column: See ``import_table``.

    Raises:
        UnknownNameError: There is no such format.
        ConfigurationError: An option is wrong, or the format has no use for it.
        DataError: A file cannot be read; the message says where and why.
        OutputError: The table cannot be written.
    """
    from .files import shown
    from .writing import Notes, write

    options = Options(trim_s, energy_attr, accuracy_attr, study, strategy, column)
    names, notes = _named(paths), Notes()
    trials = _trials(format, names, options, notes)
    rows = write(trials, Path(out), ", ".join(map(shown, names[:3])))
    return Imported(rows, notes.sentences)


def _named(paths: Paths) -> list[str]:
    names = [str(paths)] if isinstance(paths, str | Path) else [str(path) for path in paths]
    if not names:
        raise DataError("no file is given: name one or more")
    return names


def _trials(name: str, paths: list[str], options: Options, notes: Notes) -> Trials:
    if name not in FORMATS:
        raise UnknownNameError("import format", name, FORMATS)
    module = import_module(f".{name.replace('-', '_')}", __name__)
    useful = {*module.OPTIONS, "strategy"}
    for field in fields(options):
        if getattr(options, field.name) != field.default and field.name not in useful:
            raise ConfigurationError(
                f"{field.name}: the format {name} has no use for it, leave it out (it takes "
                f"{', '.join(sorted(useful))})"
            )
    return module.trials(paths, options, notes)
