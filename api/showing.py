"""Who calls from a notebook and watches nothing sees how it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

from ..notebooks import is_notebook

Watcher = TypeVar("Watcher")


@contextmanager
def watched(
    progress: Watcher | None, show: Callable[[], AbstractContextManager[Any]]
) -> Iterator[Watcher | None]:
    """Give the watcher that was given; without one, in a notebook alone, one that shows itself."""
    if progress is not None or not is_notebook():
        yield progress
        return
    with show() as shown:
        yield shown


def comparison_progress() -> AbstractContextManager[Any]:
    """Bars of a comparison or a search."""
    from ..reports.progress import ComparisonProgress

    return ComparisonProgress()


def study_progress() -> AbstractContextManager[Any]:
    """A bar of a study."""
    from ..reports.progress import StudyProgress

    return StudyProgress()


def replay_progress() -> AbstractContextManager[Any]:
    """A bar of a replay."""
    from ..reports.progress import ReplayProgress

    return ReplayProgress()
