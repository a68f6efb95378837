"""For mkdocstrings: an indented example in a docstring is Python, and shown so."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

from griffe import Extension, Object

_SECTION = re.compile(r"^(?:Args|Attributes|Returns|Raises|Warns|Yields):$", re.MULTILINE)
_EXAMPLE = re.compile(r"(?:(?<=\n\n)|^)(?: {4}.*\n(?:\n(?= {4}))?)+", re.MULTILINE)


class Examples(Extension):
    """Puts the examples of every docstring into fences."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Mend the docstring of an object as it is loaded."""
        if obj.docstring is not None:
            obj.docstring.value = with_fences(obj.docstring.value)


def with_fences(text: str) -> str:
    """A docstring whose examples, the indented blocks before its sections, are in fences."""
    start = match.start() if (match := _SECTION.search(text)) else len(text)
    return _EXAMPLE.sub(_fenced, f"{text[:start]}\n") + text[start:]


def _fenced(match: re.Match[str]) -> str:
    example = dedent(match[0]).rstrip()
    return f"```{'pycon' if example.startswith('>>>') else 'python'}\n{example}\n```\n"
