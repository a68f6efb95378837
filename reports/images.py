"""Figures as files: SVG, PDF and PNG by a browser, all in one session of it; JSON by itself."""

from __future__ import annotations

import asyncio
import io
import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, OutputError, UnknownNameError
from ..files.writing import check_new, write_whole
from .figures.alone import COLUMN_MM, DPI, PAGE_MM, Print, for_notebook, for_paper

if TYPE_CHECKING:
    from .gallery import Piece

DRAWN = ("svg", "pdf", "png")
"""Formats that a browser draws."""
FORMATS = (*DRAWN, "json")
WIDTHS = {"column": COLUMN_MM, "page": PAGE_MM}
LEAST_MM, MOST_MM = 40.0, 1000.0

_MOST_TABS = 4
_TIMEOUT_S = 90.0  # of one figure


@dataclass(frozen=True)
class _Job:
    """An image that is to be drawn."""

    path: Path
    form: str
    print: Print


def parse_formats(text: str | Sequence[str]) -> list[str]:
    """Read formats, ``"svg,pdf"``.

    Raises:
        UnknownNameError: There is no such format.
        ConfigurationError: None is named.
    """
    named = text.split(",") if isinstance(text, str) else text
    found = list(dict.fromkeys(each.strip().lower() for each in named if each.strip()))
    for each in found:
        if each not in FORMATS:
            raise UnknownNameError("format of a figure", each, FORMATS)
    if not found:
        raise ConfigurationError(f"no format is named: choose of {', '.join(FORMATS)}")
    return found


def parse_width(width: str | float) -> float:
    """Read a width in millimetres: a number, ``"120 mm"``, ``"column"`` or ``"page"``.

    >>> parse_width("column"), parse_width("120mm")
    (88.0, 120.0)

    Raises:
        ConfigurationError: It is none, or no paper is so narrow or wide.
    """
    if width in WIDTHS:
        return WIDTHS[width]
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:mm)?\s*", str(width))
    if match is None or not LEAST_MM <= float(match[1]) <= MOST_MM:
        raise ConfigurationError(
            f"width {width!r} is no width: write column ({COLUMN_MM:g} mm), page ({PAGE_MM:g} mm) "
            f"or millimetres from {LEAST_MM:g} to {MOST_MM:g}"
        )
    return float(match[1])


def check_can_draw(formats: Collection[str]) -> None:
    """Refuse formats that a browser draws where there is none, before anything is worked out.

    Raises:
        ConfigurationError: There is no browser, or nothing that leads it.
    """
    if not set(formats) & set(DRAWN):
        return
    try:
        import kaleido  # noqa: F401 - it is only looked for
        from choreographer.browsers.chromium import Chromium
    except ImportError as error:
        raise ConfigurationError(
            "figures as files need kaleido: pip install 'perjoule[images]'; --format json needs "
            "nothing"
        ) from error
    browser = Chromium.find_browser(skip_local=False)
    if not browser or not Path(browser).is_file():
        named = os.environ.get("BROWSER_PATH")
        which = f"BROWSER_PATH names none ({named})" if named else "none is found"
        raise ConfigurationError(
            f"figures as files need Chromium, and {which}: apt-get install chromium, or run "
            "plotly_get_chrome; BROWSER_PATH names one that lies elsewhere"
        )


def write_images(
    pieces: Sequence[Piece],
    folder: Path,
    formats: Collection[str],
    width_mm: float = COLUMN_MM,
    *,
    force: bool = False,
) -> dict[str, list[Path]]:
    """Write figures, each to a file of its name and of each format.

    Returns:
        The files of each figure, by its name.

    Raises:
        OutputError: A file is there or cannot be written, or the browser fails.
        ConfigurationError: There is no browser, or nothing that leads it.
    """
    paths = {piece.name: [folder / f"{piece.name}.{form}" for form in formats] for piece in pieces}
    for path in (path for own in paths.values() for path in own):
        check_new(path, force=force)
    jobs = [
        _Job(path, path.suffix[1:], for_paper(piece.chart, width_mm))
        for piece in pieces
        for path in paths[piece.name]
        if path.suffix[1:] in DRAWN
    ]
    images = _drawn(jobs) if jobs else []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make {folder}: {error.strerror}; give another --out") from error
    for job, image in zip(jobs, images, strict=True):
        _put(job.path, _finished(job, image))
    for piece in pieces:
        for path in paths[piece.name]:
            if path.suffix == ".json":
                _put(path, str(for_notebook(piece.chart).to_json()).encode())
    return paths


def _put(path: Path, content: bytes) -> None:
    write_whole(path, lambda part: part.write_bytes(content))


def _finished(job: _Job, image: bytes) -> bytes:
    """The image with its size on paper written into it."""
    if job.form == "svg":
        return _sized_svg(image.decode(), job.print).encode()
    if job.form == "png":
        return _sized_png(image)
    return image


def _sized_svg(text: str, of: Print) -> str:
    """Write its width and height in millimetres."""
    mm = 25.4 / 96 * of.scale
    size = f'width="{of.width_px * mm:.2f}mm" height="{of.height_px * mm:.2f}mm"'
    return re.sub(r'width="[\d.]+" height="[\d.]+"', size, text, count=1)


def _sized_png(image: bytes) -> bytes:
    """Write its resolution, and leave out the transparency that it does not have."""
    from PIL import Image

    target = io.BytesIO()
    with Image.open(io.BytesIO(image)) as read:
        read.convert("RGB").save(target, "png", dpi=(DPI, DPI), optimize=True)
    return target.getvalue()


def _drawn(jobs: Sequence[_Job]) -> list[bytes]:
    """Let one browser draw all images, some at a time."""
    check_can_draw(DRAWN)
    from kaleido import Kaleido

    async def draw() -> list[bytes]:
        tabs = min(len(jobs), os.cpu_count() or 1, _MOST_TABS)
        async with Kaleido(n=tabs, timeout=_TIMEOUT_S, mathjax=False) as browser:
            return await asyncio.gather(
                *(browser.calc_fig(job.print.figure, opts=_options(job)) for job in jobs)
            )

    try:
        return _in_thread(lambda: asyncio.run(draw()))
    except Exception as error:
        told = str(error).strip().splitlines() or [""]
        raise OutputError(
            f"Chromium could not draw the figures ({type(error).__name__}: {told[0]}); see that "
            "it starts, or name another one in BROWSER_PATH"
        ) from error


def _options(job: _Job) -> Any:
    """Kaleido's options: an image of pixels has as many as the resolution asks for."""
    pixels = DPI / 96 if job.form == "png" else 1.0
    return {
        "format": job.form,
        "width": job.print.width_px,
        "height": job.print.height_px,
        "scale": job.print.scale * pixels,
    }


def _in_thread(work: Callable[[], list[bytes]]) -> list[bytes]:
    """Run it in a thread of its own: a notebook's own event loop is running in this one."""
    found: list[list[bytes]] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001 - raised below
            failed.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return found[0]
