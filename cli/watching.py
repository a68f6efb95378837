"""The command that watches what another process does."""

from __future__ import annotations

import shlex
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import PerjouleError
from .app import command
from .printing import echo, echo_json

if TYPE_CHECKING:
    from ..benchmarks.comparison.following import Follower, Watched
    from ..benchmarks.studies.following import StudyFollower, WatchedStudy
    from ..models.metric import Metric
    from ..reports.progress.console import Screen

LOOK_S = 1.0
"""Seconds between two looks."""
SHARE = 0.005
"""Of its time, what a watcher spends on looking at most."""
REPORT_S = 60.0
"""Seconds that the report of a comparison that has just ended is waited for."""


@command("watch")
def watch(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Run folder, or that of a study.")],
    *,
    target: Annotated[
        str | None,
        typer.Option(help="Score to reach, as for compare; else its report's, or 98% of the best."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print how it stands, and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print how it stands as plain JSON, and end.")
    ] = False,
) -> None:
    """Watch a running comparison, search or study from another terminal; writes nothing there."""
    from .. import api
    from ..reports.progress.console import Screen, open_console
    from ..reports.progress.watching import draw_watched, tell_end

    follower = api.follow(folder, target)
    seen = follower.look()
    if as_json:
        told = {"said": tell_end(seen) or None, **seen.to_dict()}
        echo_json(told, allow_nan=False)
        return
    console = open_console()
    if once or not seen.is_alive:
        console.print(draw_watched(seen, _metrics(follower)))
    else:
        screen = Screen(console, every_s=LOOK_S)
        try:
            seen = _until_it_ends(follower, seen, screen)
        finally:
            screen.stop()
        _wait_for_report(folder)
    if said := tell_end(seen):
        echo(said)
        if not once:
            _tell_verdict(seen, folder, target)


def _until_it_ends(
    follower: Follower | StudyFollower, seen: Watched | WatchedStudy, screen: Screen
) -> Watched | WatchedStudy:
    from ..reports.progress.watching import draw_watched, watched_line

    while True:
        began_s = time.perf_counter()
        if screen.is_due() or not seen.is_alive:
            known = seen, _metrics(follower)
            screen.show(partial(draw_watched, *known), partial(watched_line, *known))
        if not seen.is_alive:
            return seen
        time.sleep(max(LOOK_S, (time.perf_counter() - began_s) / SHARE))
        seen = follower.look()


def _metrics(follower: Follower | StudyFollower) -> dict[str, Metric]:
    """What scores are of, by the folder of each comparison."""
    parts = getattr(follower, "followers", {"": follower}).values()
    return {str(each.path): each.metric for each in parts}


def _wait_for_report(folder: Path) -> None:
    """Wait until the process that has just ended its last run has written its report."""
    until_s = time.monotonic() + REPORT_S
    while time.monotonic() < until_s and not _report_is_new(folder):
        time.sleep(LOOK_S)


def _report_is_new(folder: Path) -> bool:
    """Whether there is a report, and no ledger was written to after it."""
    try:
        written_s = (folder / "report.html").stat().st_mtime
        ledgers = [folder / "ledger.jsonl", *folder.glob("parts/*/ledger.jsonl")]
        return all(each.stat().st_mtime <= written_s for each in ledgers if each.exists())
    except OSError:
        return False


def _tell_verdict(seen: Watched | WatchedStudy, folder: Path, target: str | None) -> None:
    from .. import api
    from ..benchmarks.comparison.following import Phase
    from ..reports.progress.console import open_console

    if seen.phase is not Phase.OVER:
        return
    try:
        open_console().print(api.verdict(folder, target), style="bold")
    except PerjouleError as error:
        echo(str(error))
    if _report_is_new(folder):
        echo(f"Report: {(folder / 'report.html').absolute()}")
    else:
        echo(f"Make its report: perjoule report {shlex.quote(str(folder))}")
