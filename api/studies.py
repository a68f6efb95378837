"""The studies of the field, as the command line and Python users run them."""

from __future__ import annotations

import json
import time
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..benchmarks.analysis.target import DEFAULT_TARGET
from ..benchmarks.comparison.signals import telling_first, working_in
from ..errors import ConfigurationError, UnknownNameError
from ..files.writing import write_whole
from .showing import shows_progress, study_progress
from .views import study_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..benchmarks.analysis.analysing import Analysis
    from ..benchmarks.studies.design import Study
    from ..benchmarks.studies.facts import Findings
    from ..benchmarks.studies.folder import StudyFolder
    from ..benchmarks.studies.running import StudyWatcher
    from ..benchmarks.tables.loading import Loadable
    from ..benchmarks.tables.table import Table
    from ..reports.recorders.registry import Wanted

RUNS = Path("runs")
DERIVED = ("trials.parquet", "findings.json", "report.html")


@dataclass(frozen=True)
class StudyResult:
    """A study on disk.

    Attributes:
        folder: Its folder.
        study: What was studied.
        findings: Its claims beside the paper's, with tables and figures.
        analysis: The statistics of its trial table.
        table: Its trials, one row each; factors are hyperparameters.
        interrupted: Whether some of its trials are still to be run.
        recorded: How to look at what was recorded of it elsewhere, in lines.
        unrecorded: What went wrong there, in lines.
    """

    folder: Path
    study: Study
    findings: Findings
    analysis: Analysis
    table: Table
    interrupted: bool = False
    recorded: tuple[str, ...] = ()
    unrecorded: tuple[str, ...] = ()

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / "report.html"

    def _repr_html_(self) -> str:
        """What a notebook shows: each claim beside the paper's, and where the report is."""
        return study_html(self)


@shows_progress(study_progress)
def study(
    name: str,
    *,
    quick: bool = False,
    yes: bool = False,
    out: str | Path | None = None,
    resume: bool = False,
    trust: bool = False,
    source: Loadable | Sequence[Loadable] | None = None,
    add: Sequence[Loadable] = (),
    mapping: str | Sequence[str] = (),
    executor: Executor | None = None,
    progress: StudyWatcher | None = None,
    **options: Any,
) -> StudyResult:
    """Run a published study here, and set what is found beside what the paper found.

        result = perjoule.study("layers", quick=True)
        for claim in result.findings.claims:
            print(claim.statement, claim.paper, claim.ours, claim.holds, claim.why)

    Args:
        name: A study of `benchmarks.studies.registry.STUDIES`, or ``module:attribute``.
        quick: Minutes on two cores instead of the paper's whole design.
        yes: Go on even if it should take more than ten minutes.
        out: Its folder; a new one under ``runs/`` if not given.
        resume: Go on with the study in ``out``.
        trust: Whether code, files and hosts that ``out`` names may be run and read, where somebody
            else made it. Know who.
        source: Trial tables to analyse instead of running anything, such as a paper's recorded one.
        add: Trial tables of other machines to analyse with what is run here.
        mapping: Columns of these tables made of others: ``"energy_j=kwh*3.6e6"``.
        executor: Any PEP 3148 executor; by default this process or a pool.
        progress: Is told how it goes.
        **options: Fields of `benchmarks.studies.Options`: ``dataset``, ``repetitions``, ``meter``,
            ``device``, ``workers``, ``carbon``.

    Returns:
        The result; after Ctrl-C it is ``interrupted``.

    Raises:
        ConfigurationError: It would take longer than ten minutes, and ``yes`` is not given.
        PerjouleError: Something cannot be used; nothing is half-written then.
    """
    from ..benchmarks.studies import running
    from ..benchmarks.studies.added import load_added
    from ..benchmarks.studies.folder import StudyFolder
    from ..benchmarks.studies.registry import find_study

    wanted = find_study(name)
    asked = _options(quick, options)
    folder = StudyFolder(_place(wanted, out, quick))
    working_in(folder.path)
    if source is not None:
        if resume or add or asked != type(asked)(quick=quick):
            raise ConfigurationError(
                "--from analyses recorded tables and runs nothing: leave --resume, --add and what "
                "a run is asked for out"
            )
        return _of_tables(wanted, folder, source, mapping)
    if mapping and not add:
        raise ConfigurationError("--map is of the tables that --from or --add names: give one")
    if resume and out is None:
        raise ConfigurationError("--resume needs --out: name the folder to go on with")
    if resume:
        asked = _resumed(folder, wanted, asked, trust=trust)
        running.check_begun(wanted, asked, folder)
    added = load_added(add, mapping, wanted.design(asked).by) if add else []
    if not resume:
        running.begin(wanted, asked, folder, agreed=yes, watcher=progress)
    with folder.locked():
        folder.add(added)
        result = _go_on(wanted, asked, folder, executor, progress)
    if wanted.after is not None and not result.interrupted and not folder.added:
        told = wanted.after(result.table)
        if told and progress is not None:
            progress.note(told)
    return result


def _go_on(
    wanted: Study,
    asked: Any,
    folder: StudyFolder,
    executor: Executor | None,
    progress: StudyWatcher | None,
) -> StudyResult:
    """Run what is left of a study, and make table, findings and report of all of it."""
    from ..benchmarks.studies import running

    for derived in DERIVED:  # they would be of fewer trials than the ledgers if this is killed
        (folder.path / derived).unlink(missing_ok=True)
    with telling_first(lambda: derive(wanted, folder)):
        running.go_on(wanted, asked, folder, executor=executor, watcher=progress)
    return derive(wanted, folder)


def report_study(
    path: str | Path, *, trust: bool = False, dashboard: bool = False, record: Wanted = ()
) -> StudyResult:
    """Make table, findings and report of a study's folder again.

    Args:
        path: The folder.
        trust: Whether code and files that it names may be run and read.
        dashboard: Whether to write ``studies.journal``, the trials of all parts.
        record: ``"optuna"``, which is the same.

    Raises:
        ConfigurationError: The study is somebody's own, or names what is not trusted; or another
            recorder is asked for.
        OutputError: The folder holds no study, or none of whose trials has ended.
    """
    from ..benchmarks.studies.folder import StudyFolder

    folder = StudyFolder(Path(path).absolute())
    if record not in ("", (), [], "optuna", ("optuna",), ["optuna"]):
        raise ConfigurationError(
            "record: a study is recorded by optuna alone; record its parts one by one, "
            f"`perjoule report {folder.path}/parts/NAME --record …`"
        )
    result = derive(_study_in(folder, trust=trust), folder)
    if not dashboard and not record:
        return result
    from ..benchmarks.comparison.folder import MIRROR
    from ..benchmarks.comparison.loading import read_run
    from ..reports.recorders.journal import write_mirror
    from ..reports.recorders.optuna import look_at

    begun = folder.path.glob("parts/*/ledger.jsonl")
    tables = {each.parent.name: read_run(each.parent) for each in sorted(begun)}
    write_mirror(folder.path / MIRROR, tables)
    return replace(result, recorded=(look_at(folder.path / MIRROR),))


def _study_in(folder: StudyFolder, *, trust: bool) -> Study:
    """The study that a folder holds, if its analysis is ours and what it names is trusted."""
    from ..benchmarks.comparison.trust import check_trusted
    from ..benchmarks.studies.registry import STUDIES, find_study

    record = folder.record()
    name = record.study
    if name not in STUDIES:
        raise ConfigurationError(
            f"{folder.path} holds the study {name!r}, which is somebody's own: name it, as in "
            f"`perjoule study module:attribute --resume --out {folder.path}`"
        )
    check_trusted(folder.path, asdict(record.options), record.mark, trust=trust)
    return find_study(name)


def load_study(path: str | Path, *, trust: bool = False) -> StudyResult:
    """Read a study's folder, and write nothing: see `report_study`."""
    from ..benchmarks.studies.folder import StudyFolder
    from ..benchmarks.studies.reading import read_study

    folder = StudyFolder(Path(path).absolute())
    wanted = _study_in(folder, trust=trust)
    table, over = read_study(wanted, folder)
    return _found(wanted, folder.path, table, interrupted=not over)


def derive(wanted: Study, folder: StudyFolder) -> StudyResult:
    """Make table, findings and report of a study's folder again, from the ledgers of its parts."""
    from ..benchmarks.studies.reading import read_study

    table, over = read_study(wanted, folder)
    return _write(wanted, folder.path, table, interrupted=not over)


def _options(quick: bool, options: dict[str, Any]) -> Any:
    from ..benchmarks.studies.design import Options

    given = {name: value for name, value in options.items() if value is not None}
    for name in given:
        if name not in Options.__dataclass_fields__:
            raise UnknownNameError("option of a study", name, Options.__dataclass_fields__)
    for name in ("repetitions", "workers"):
        if (each := given.get(name, 1)) is True or not isinstance(each, int) or each < 1:
            raise ConfigurationError(f"{name} = {each!r}: give a whole number above zero")
    return Options(quick=quick, **given)


def _resumed(folder: StudyFolder, wanted: Study, asked: Any, *, trust: bool) -> Any:
    """The options that a study was begun with; others cannot be asked of it now."""
    from ..benchmarks.comparison.trust import check_trusted

    record = folder.record()
    if record.study != wanted.name:
        raise ConfigurationError(
            f"{folder.path} holds the study {record.study}, not {wanted.name}: name that, or "
            "another folder with --out"
        )
    plain = type(asked)(quick=record.options.quick)
    if asked not in (plain, replace(plain, quick=False), record.options):
        raise ConfigurationError(
            f"{folder.path} was begun with other options: leave them out to resume, or begin anew "
            "with another --out"
        )
    if asked != record.options:  # what was named again was meant
        check_trusted(folder.path, asdict(record.options), record.mark, trust=trust)
    return record.options


def _place(wanted: Study, out: str | Path | None, quick: bool) -> Path:
    if out is not None:
        return Path(out).absolute()
    stamp = time.strftime("%Y%m%d-%H%M%S")
    plain = "".join(each if each.isalnum() or each == "-" else "-" for each in wanted.name)
    return (RUNS / f"study-{plain}{'-quick' if quick else ''}-{stamp}").absolute()


def _of_tables(
    wanted: Study,
    folder: StudyFolder,
    source: Loadable | Sequence[Loadable],
    mapping: str | Sequence[str],
) -> StudyResult:
    """Let a study analyse tables that somebody recorded."""
    from ..benchmarks.comparison.folder import Folder
    from ..benchmarks.studies.added import load_grouped
    from ..benchmarks.studies.design import Options

    table = load_grouped(source, mapping, wanted.design(Options()).by)
    Folder(folder.path).check_free()
    folder.path.mkdir(parents=True, exist_ok=True)
    told = {key: getattr(wanted, key) for key in ("name", "question", "paper", "link")}
    description = {**(table.description or {}), "study": {**told, "recorded": table.name}}
    return _write(wanted, folder.path, replace(table, description=description))


def _found(wanted: Study, path: Path, table: Table, *, interrupted: bool = False) -> StudyResult:
    """What a study finds in a table."""
    from ..benchmarks.analysis.analysing import analyse
    from ..benchmarks.studies.comparing import of_cpu_time

    findings = wanted.analyse(table)
    findings = replace(findings, notes=(*findings.notes, *of_cpu_time(table)))
    return StudyResult(path, wanted, findings, analyse(table, DEFAULT_TARGET), table, interrupted)


def _write(wanted: Study, path: Path, table: Table, *, interrupted: bool = False) -> StudyResult:
    """Write what is derived, each whole or not at all."""
    from ..reports import page

    found = _found(wanted, path, table, interrupted=interrupted)
    table.write(path / "trials.parquet", force=True)
    text = json.dumps(found.findings.to_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_whole(path / "findings.json", lambda part: part.write_text(text, encoding="utf-8"))
    page.write(found.report, table, found.analysis, found.findings, force=True)
    return found
