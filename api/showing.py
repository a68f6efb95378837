"""Who calls from a notebook and watches nothing sees how it goes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from ..notebooks import is_notebook

Given = ParamSpec("Given")
Found = TypeVar("Found")


def shows_progress(
    open_progress: Callable[[], AbstractContextManager[Any]],
) -> Callable[[Callable[Given, Found]], Callable[Given, Found]]:
    """Let a function show its progress where it is called in a notebook without ``progress``."""

    def decorate(function: Callable[Given, Found]) -> Callable[Given, Found]:
        @wraps(function)
        def call(*args: Given.args, **given: Given.kwargs) -> Found:
            if given.get("progress") is not None or not is_notebook():
                return function(*args, **given)
            with open_progress() as shown:
                given["progress"] = shown
                return function(*args, **given)

        return call

    return decorate


def comparison_progress() -> AbstractContextManager[Any]:
    """Open the progress of a comparison or a search."""
    from ..reports.progress.comparing import ComparisonProgress

    return ComparisonProgress()


def study_progress() -> AbstractContextManager[Any]:
    """Open the progress of a study."""
    from ..reports.progress.studying import StudyProgress

    return StudyProgress()


def replay_progress() -> AbstractContextManager[Any]:
    """Open the progress of a replay."""
    from ..reports.progress.replaying import ReplayProgress

    return ReplayProgress()
