"""What a watcher of a run folder or a study's sees: the drawing of its own process, and more."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from ...benchmarks.comparison.following import Phase, Watched
from ...benchmarks.tables.table import counted
from ..format import format_duration
from .drawing import draw_bar, draw_state, plain_line, time_left

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...benchmarks.studies.following import WatchedStudy
    from ...models.metric import Metric

SILENT_S = 30.0
"""After so many seconds without a sign of life, the silence is told."""


def draw_watched(seen: Watched | WatchedStudy, metrics: Mapping[str, Metric]) -> RenderableType:
    """All that is seen; ``metrics`` are by the folder of each comparison."""
    if isinstance(seen, Watched):
        return _draw(seen, metrics)
    parts: list[RenderableType] = [f"{seen.folder}: {seen.command}, {_phase(seen)}{_part(seen)}"]
    if seen.done is not None and seen.n_parts != 1:  # else it is the bar of the part
        parts.append(draw_bar(seen.done, time_left(seen.left_s)))
    if seen.present is not None:
        parts.append(_draw(seen.present[1], metrics))
    return Group(*parts)


def watched_line(seen: Watched | WatchedStudy, metrics: Mapping[str, Metric]) -> str:
    """The same in a line."""
    if not isinstance(seen, Watched):
        part = None if seen.present is None else seen.present[1]
        if part is not None and part.state is not None:  # the time that is told is the whole's
            part = replace(part, state=replace(part.state, left_s=None))
        head = filter(None, [f"{seen.command}{_part(seen)}", time_left(seen.left_s)])
        return f"{', '.join(head)}: {'' if part is None else watched_line(part, metrics)}"
    if seen.state is None:
        return f"{seen.folder}: {_phase(seen)}"
    return plain_line(seen.state, metrics[seen.folder]) + _silence(seen)


def tell_end(seen: Watched | WatchedStudy) -> str:
    """Why there is nothing to watch any more, and how to go on; empty while there is."""
    if seen.is_alive:
        return ""
    what = {"compare": "The comparison", "tune": "The search"}.get(seen.command, "The study")
    if seen.phase is Phase.OVER:
        return f"{what} is over."
    how = f"Go on with: perjoule {seen.command} --resume --out {shlex.quote(seen.folder)}"
    if seen.phase is Phase.STOPPED:
        return f"{what} was stopped, and nothing is alive. {how}"
    if seen.phase is Phase.FAILED:
        part = seen if isinstance(seen, Watched) else seen.present and seen.present[1]
        error = f" ({part.message})" if part and part.message else ""
        return f"{what} ended by an error{error}, and nothing is alive. {how}"
    ago = "" if seen.heard_s is None else f" (last heard of {format_duration(seen.heard_s)} ago)"
    return f"{what} died: its process is gone{ago}, and nothing is alive. {how}"


def _draw(seen: Watched, metrics: Mapping[str, Metric]) -> RenderableType:
    workers = "" if seen.workers is None else f", {counted(seen.workers, 'worker')}"
    head = f"{seen.folder}: {_phase(seen)}{workers}{_silence(seen)}"
    if seen.state is None:
        return head
    return Group(head, draw_state(seen.state, metrics[seen.folder], workers=True))


def _phase(seen: Watched | WatchedStudy) -> str:
    return seen.phase.value


def _part(seen: WatchedStudy) -> str:
    if seen.present is None:
        return ""
    of = "" if seen.n_parts is None else f" of {seen.n_parts}"
    return f", part {len(seen.parts)}{of} ({seen.present[0]})"


def _silence(seen: Watched) -> str:
    if not seen.is_alive or seen.heard_s < SILENT_S:
        return ""
    return f", silent for {format_duration(seen.heard_s)}"
