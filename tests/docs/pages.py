"""The pages of the documentation, and what of them is run: Python, files and transcripts.

| in a page | what is done |
|---|---|
| a block `python` | it runs; all of a page share one namespace and one scratch folder |
| a block of any language with `title="mine.py"` | it is written there as a file, and not run |
| a block `console` after `<!-- transcript -->` | its commands run, and their output is compared |
| one after `<!-- transcript: an example -->` | the same, but results may differ |
| any of these after `<!-- skip: next -->` | nothing |
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from unittest import SkipTest

from sybil import Document, Example, Region
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

from .transcripts import run_transcript

ROOT = Path(__file__).parents[2]
GENERATED = {ROOT / "docs" / "reference" / "api.md"}
INFO = re.compile(r"(?P<language>[\w+-]+)(?P<settings>[^\n]*)\n")
TITLE = re.compile(r'title="([^"]+)"')
TRANSCRIPT = re.compile(r"<!-- transcript(?P<example>: an example)? -->\n\s*\Z")


def pages() -> list[Path]:
    """Every page that people wrote."""
    written = {
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*.md"),
    }
    return sorted(written - GENERATED)


def blocks(document: Document) -> Iterator[Region]:
    """The fenced blocks of a page that say their language, with `language` and `settings`."""
    yield from RawFencedCodeBlockLexer(INFO)(document)


class Page:
    """A page that is run; its transcripts are compared, or written anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        parsers = (SkipParser(), PythonCodeBlockParser(), _files, self._transcripts)
        self.document = Document.parse(str(path), *parsers)
        self.examples = [*self.document.examples()]
        self._printed: list[tuple[Region, str]] = []
        self._renews = False

    def run(self, *, renew: bool = False) -> None:
        """Run it in the current folder; if asked for, write into it what its commands print."""
        self._renews = renew
        self.document.namespace["__name__"] = "__main__"
        for example in self.examples:
            with suppress(SkipTest):
                example.evaluate()
        text = self.document.text
        for region, printed in reversed(self._printed):
            source = region.lexemes["source"]
            start = region.start + source.offset
            text = text[:start] + printed + text[start + len(source) :]
        if text != self.document.text:
            self.path.write_text(text, encoding="utf-8")

    def _transcripts(self, document: Document) -> Iterator[Region]:
        for region in blocks(document):
            marked = TRANSCRIPT.search(document.text, 0, region.start)
            if region.lexemes["language"] == "console" and marked is not None:
                region.parsed = bool(marked["example"])
                region.evaluator = self._compare
                yield region

    def _compare(self, example: Example) -> str | None:
        found = run_transcript(example.region.lexemes["source"], example=example.parsed)
        if self._renews:
            self._printed.append((example.region, found.printed))
            return found.failure
        difference = found.failure or found.difference
        if difference is None:
            return None
        return (
            f"{difference}\n\nThis writes into the page what is printed now:\n"
            f"RENEW_DOCS=1 python -m pytest tests/docs/test_pages.py -k {self.path.stem}"
        )


def _files(document: Document) -> Iterator[Region]:
    """Blocks with a title: files that the page tells to write."""
    for region in blocks(document):
        title = TITLE.search(region.lexemes["settings"])
        if title is not None:
            region.parsed = title[1]
            region.evaluator = _write
            yield region


def _write(example: Example) -> None:
    path = Path(example.parsed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(example.region.lexemes["source"], encoding="utf-8")
