"""Trial tables, as the command line and Python users read, analyse and replay them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmarks.analysis.target import DEFAULT_TARGET
from ..benchmarks.tables.table import Table as _Table
from .showing import replay_progress, shows_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.importers import Paths
    from ..benchmarks.statistics.projection import Projections
    from ..benchmarks.tables.loading import Loadable, Stated


class Table(_Table):
    """A trial table, and what can be asked of it: see ``benchmarks/CONTRACT.md``."""

    def compare(self, target: str | float = DEFAULT_TARGET) -> Analysis:
        """Work out all statistics: see `analyse`."""
        return analyse(self, target)

    def replay(self, **options: Any) -> Table:
        """Let strategies search what the table recorded, for virtual joules: see `replay`."""
        return replay(self, **options)


def load_table(
    source: Loadable | Sequence[Loadable],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
    params: str | Sequence[str] = (),
    metric: Stated | None = None,
    strict: bool = False,
) -> Table:
    """Read a trial table: a file, a run folder, a data frame; or several, which are read as one.

        table = perjoule.load_table("theirs.csv", by="dataset", mapping="energy_j=kwh*3.6e6")

    Args:
        source: A Parquet or CSV file, a run folder, a data frame or a table; or several. Any tidy
            table with the columns strategy, energy_j and score will do; trial, seed and state
            may be there. Columns that are not of the contract are hyperparameters, but for those
            that name a trial or were measured of it: see ``table.dimensions``.
        by: Columns that group the trials, as names joined by commas: ``"dataset,machine"``. Of a
            run folder also what its experiment says (``dataset``, ``architecture``, ``meter`` …);
            ``source`` is the name of each table.
        mapping: Which columns are made of others: ``"score=test_acc,energy_j=kwh*3.6e6"``,
            ``"energy_j=(gpu_wh+cpu_wh)*3600"``.
        params: The hyperparameters, ``"lr,batch"``, where it should not be told by the columns.
        metric: What the score is of tables that do not say it, as in an experiment: ``"rmse"``, or
            a mapping with name, direction, low and high; accuracy if not given.
        strict: Refuse a file of text with any damaged row. Otherwise up to a tenth of its rows may
            be: they are left out, and the notes name them.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
    """
    from ..benchmarks.comparison.loading import load_table as load

    return public(load(source, by=by, mapping=mapping, params=params, metric=metric, strict=strict))


def import_table(form: str, paths: Paths, **options: Any) -> Table:
    """Make a trial table of what another tool recorded.

        table = perjoule.import_table("codecarbon", "emissions.csv")

    Args:
        form: Name of the format, see ``perjoule import --help``.
        paths: Files of that format; for Optuna also the URL of a storage.
        **options: As in `benchmarks.importers.import_table`.

    Raises:
        DataError: A file cannot be read, or is not of that format; the message says where.
        ConfigurationError: The format has no use for an option.
        UnknownNameError: There is no such format.
    """
    from ..benchmarks.importers import import_table as load

    return public(load(form, paths, **options))


def analyse(table: Loadable, target: str | float = DEFAULT_TARGET) -> Analysis:
    """Work out all statistics of a trial table: who found the best networks for the joules.

        analysis = perjoule.analyse(perjoule.load_table("theirs.csv"), target="98%")
        print(analysis.headline)

    Args:
        table: The trials, or what `load_table` reads them from; what its ``by`` groups is compared
            apart.
        target: The accuracy to reach: a number or ``"0.95"`` as it is, ``"98%"`` as a share of the
            best accuracy in the group.

    Raises:
        ConfigurationError: The target is neither.
        DataError: The table cannot be read.
    """
    from ..benchmarks.analysis.analysing import analyse as work_out

    return work_out(_as_table(table), target)


@shows_progress(replay_progress)
def replay(table: Loadable, **options: Any) -> Table:
    """Let strategies search what a table recorded, for virtual joules and without training.

        perjoule.replay(table, strategies=["tpe", "frugal"], budget="20 J per run", seeds=100)

    Args:
        table: The recorded trials, or what `load_table` reads them from: ``"runs/digits"``.
        **options: Fields of `benchmarks.replay.ReplayOptions`, and ``progress``, which is told how
            it goes.

    Raises:
        PerjouleError: An option cannot be used, or the table cannot be replayed.
    """
    from ..benchmarks.replay import ReplayOptions
    from ..benchmarks.replay import replay as play

    progress = options.pop("progress", None)
    return public(play(_as_table(table), ReplayOptions.of(**options), progress))


def project(
    source: Loadable | Sequence[Loadable],
    *,
    by: str | Sequence[str] = (),
    mapping: str | Sequence[str] = (),
    metric: Stated | None = None,
    strict: bool = False,
) -> Projections:
    """Project what trainings take in all from their first five steady epochs, with intervals.

        perjoule.project("runs/mine").median_error

    Args:
        source: As for ``load_table``. Of a run folder, trials in flight are projected too.
        by: As there.
        mapping: As there.
        metric: As there.
        strict: As there.

    Returns:
        Those that came to their end, projected beside measured, and what all others would take.

    Raises:
        DataError: A table cannot be read, or a value in it cannot be; the message says where.
        OutputError: A run folder is damaged.
    """
    if isinstance(source, str | Path) and not (by or mapping or metric):
        from ..benchmarks.comparison.folder import Folder
        from ..benchmarks.comparison.projecting import project_run

        if Folder(Path(source)).was_begun:
            return project_run(Path(source))
    from ..benchmarks.statistics.projection import project_table

    return project_table(load_table(source, by=by, mapping=mapping, metric=metric, strict=strict))


def _as_table(source: Loadable) -> _Table:
    return source if isinstance(source, _Table) else load_table(source)


def public(table: _Table) -> Table:
    """The table with what can be asked of it."""
    return Table(**vars(table))
