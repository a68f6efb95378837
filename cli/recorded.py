"""The commands on recorded data: nothing here spends a joule on training."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from ..benchmarks.importers.registry import formats_help
from ..errors import ConfigurationError, OutputError
from ..files.writing import check_new
from . import completing as to
from .app import check_json, command, show, write_json
from .comparing import print_result
from .faults import MENDABLE
from .groups import Findings, Importing, Replaying, Searched, Tables
from .options import AsJson, Dashboard, Force, JsonFile, Record, TableOut, Trust
from .printing import echo

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..api import Result, StudyResult, Table
    from ..benchmarks.tables.table import Table as _Table


@command("report")
def report(
    *,
    tables: Tables,
    findings: Findings,
    trust: Trust = False,
    dashboard: Dashboard = False,
    record: Record = None,
) -> None:
    """Compare what any trial tables or run folders hold, and say what the runs support.

    Of a run folder or a study's folder alone, the tables and the report in it are made again from
    its ledgers. Any table with the columns strategy, energy_j and score will do; trial, seed and
    state may be there.
    """
    from .. import api

    _check_new(findings)
    kept = ("ledger.jsonl", "study.yaml")
    if len(tables.paths) > 1 or not any((tables.paths[0] / name).exists() for name in kept):
        if dashboard or record:
            option = "--dashboard mirrors" if dashboard else "--record is of"
            raise ConfigurationError(f"{option} one run folder, or a study's: name it")
        _report(load(tables), findings)
        return
    result = api.report(
        tables.paths[0], findings.target, trust=trust, dashboard=dashboard, record=record or ()
    )
    if any([tables.by, tables.mapping, tables.metric]):
        _report(load(tables), findings)
    elif any([findings.as_json, findings.html, findings.out]):
        _report(result.table, findings, result)
    else:
        print_result(result)
    for line in result.recorded if str(findings.as_json) != "-" else ():
        echo(line)
    if result.unrecorded:  # which was told as a warning
        raise typer.Exit(MENDABLE)


@command("replay")
def replay(tables: Tables, searched: Searched, replaying: Replaying, findings: Findings) -> None:
    """Compare strategies on what a table recorded: virtual joules, no training."""
    from .. import api
    from ..benchmarks.analysis.target import parse_target
    from ..reports.progress.replaying import ReplayProgress

    parse_target(findings.target, None)
    _check_new(findings)
    table = load(tables, searched)
    with ReplayProgress() as progress:
        replayed = api.replay(table, progress=progress, **asdict(replaying))
    _report(replayed, findings, told=progress.told)


@command("project")
def project(tables: Tables, as_json: AsJson = False) -> None:
    """Project what trainings take in all from their first five steady epochs.

    Those that came to their end are set beside what was measured; of the others, also those still
    in flight in a run folder, it is what they would take for all of their epochs.
    """
    from .. import api
    from ..reports.projections import print_projections

    source = tables.paths[0] if len(tables.paths) == 1 else tables.paths
    found = api.project(
        source,
        by=tables.by or (),
        mapping=tables.mapping or (),
        metric=tables.metric,
        strict=tables.strict,
    )
    show(found.to_dict(), as_json, lambda: print_projections(found))


@command("import")
def import_(
    *,
    form: Annotated[
        str,
        typer.Argument(
            metavar="FORMAT", help=f"{formats_help()}.", autocompletion=to.one_of(to.import_formats)
        ),
    ],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files, or a storage URL of Optuna.")
    ],
    out: TableOut = None,
    force: Force = False,
    importing: Importing,
) -> None:
    """Make a trial table of what another tool recorded."""
    from ..benchmarks.importers import ImportOptions, import_to

    if out is None:
        raise OutputError("import needs --out: name the table to write, .parquet or .csv")
    given = asdict(importing)
    trim = given.pop("trim")
    options = ImportOptions(trim_s=0.0 if trim is None else _seconds(trim), **given)
    imported = import_to(form, paths, out, options, force=force)
    for note in imported.notes:
        echo(f"- {note}", err=True)
    echo(f"{imported.rows:,} rows written to {out}; compare them: perjoule report {out}")


@command("audit")
def audit(
    tables: Tables,
    searched: Searched,
    as_json: JsonFile = None,
    force: Force = False,
) -> None:
    """Check an energy study for the faults of published ones; exit code 1 if there is any."""
    from ..benchmarks.audit import audit as check
    from ..reports.audit_terminal import print_audit

    check_json(as_json, force=force)
    found = check(
        tables.paths,
        by=tables.by or (),
        mapping=tables.mapping or (),
        params=searched.params or (),
        metric=tables.metric,
        strict=tables.strict,
    )
    if not write_json(as_json, found.to_dict()):
        print_audit(found)
    raise typer.Exit(1 if found.findings else 0)


def load(tables: Tables, searched: Searched | None = None) -> Table:
    """The table that the options name."""
    from .. import api

    return api.load_table(
        tables.paths,
        by=tables.by or (),
        mapping=tables.mapping or (),
        params=(searched and searched.params) or (),
        metric=tables.metric,
        strict=tables.strict,
    )


def _check_new(findings: Findings) -> None:
    """Refuse names that say no format, and to write over files, before anything is worked out."""
    from ..benchmarks.tables.writing import check_ending
    from ..reports.page import check_page

    check_json(findings.as_json, force=findings.force)
    if findings.out is not None:
        check_ending(findings.out)
    if findings.html is not None:
        check_page(findings.html)
    for path in filter(None, (findings.html, findings.out)):
        check_new(path, force=findings.force)


def _report(
    table: _Table,
    findings: Findings,
    result: Result | StudyResult | None = None,
    told: Collection[str] = (),
) -> None:
    """Analyse a table; write what is asked for, and print the rest."""
    from .. import api
    from ..reports import page
    from ..reports.terminal import print_analysis

    study = result.findings if isinstance(result, api.StudyResult) else None
    analysis = api.analyse(table, findings.target)
    written = [] if findings.out is None else table.write(findings.out, force=findings.force)
    if findings.html is not None:
        page.write(findings.html, table, analysis, study, force=findings.force)
        written.append(findings.html)
    if write_json(findings.as_json, analysis.to_dict()):
        return
    print_analysis(analysis, told)
    for path in (*written, *([findings.as_json] if findings.as_json else ())):
        echo(f"Written: {path}")


def _seconds(text: str) -> float:
    match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(ms|s|min)?\s*", text)
    if match is None:
        raise ConfigurationError(f'--trim {text!r} is no time: write "3s", "500 ms" or "1 min"')
    return float(match[1]) * {"ms": 1e-3, "s": 1.0, "min": 60.0}[match[2] or "s"]
