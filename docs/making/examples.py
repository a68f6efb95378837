"""For mkdocstrings: an indented example in a docstring is Python, and shown so."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Any

from griffe import Extension, Object

_SECTION = re.compile(r"^(?:Args|Attributes|Returns|Raises|Warns|Yields):$", re.MULTILINE)
_EXAMPLE = re.compile(r"(?:(?<=\n\n)|^)(?: {4}.*\n(?:\n(?= {4}))?)+", re.MULTILINE)


class Examples(Extension):
    """Puts the indented blocks before a docstring's sections into fences."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Mend the docstring of an object as it is loaded."""
        if obj.docstring is None:
            return
        text = obj.docstring.value
        start = match.start() if (match := _SECTION.search(text)) else len(text)
        obj.docstring.value = _EXAMPLE.sub(_fenced, f"{text[:start]}\n") + text[start:]


def _fenced(match: re.Match[str]) -> str:
    return f"```python\n{dedent(match[0]).rstrip()}\n```\n"
