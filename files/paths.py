"""Paths as users list them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ..errors import ConfigurationError


def split_paths(text: str) -> list[str]:
    """The paths in a text that joins them by commas; one with a comma in it stands in quotes.

    >>> split_paths('runs/a, "runs/b,c", d.csv')
    ['runs/a', 'runs/b,c', 'd.csv']

    Raises:
        ConfigurationError: One is empty or named twice, or a quote is left open.
    """
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ConfigurationError(
            f"{text!r} cannot be read as names joined by commas ({error}): close each quote"
        ) from error
    paths = [part.strip() for row in rows or [[""]] for part in row or [""]]
    check_paths(paths)
    return paths


def join_paths(paths: Iterable[str]) -> str:
    """The text that `split_paths` reads as these paths.

    >>> join_paths(["runs/a", "runs/b,c"])
    'runs/a,"runs/b,c"'
    """
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(paths)
    return written.getvalue()


def check_paths(paths: Sequence[str]) -> None:
    """Refuse, by a ConfigurationError, paths of which one is empty or named twice."""
    for path in paths:
        if not path:
            raise ConfigurationError("the name of a table is empty: drop a comma")
        if paths.count(path) > 1:
            raise ConfigurationError(f"{path} is named twice: drop one")
