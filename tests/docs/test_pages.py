"""The pages of the documentation say what is so: what they show runs, and prints what they say."""

import os
import sys
from traceback import extract_tb

import pytest
from sybil import Document

from .commands import command_lines, fault_of
from .pages import ROOT, Page, blocks, pages

PAGES = pages()
RENEW = bool(os.environ.get("RENEW_DOCS"))


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.fixture
def scratch(tmp_path, monkeypatch):
    """An empty folder, in which a page finds the modules that it writes, and no other page does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = {*sys.modules}
    yield tmp_path
    for name in {*sys.modules} - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.thorough
@pytest.mark.parametrize("page", [path for path in PAGES if Page(path).examples], ids=name_of)
def test_a_page_runs(page, scratch):
    try:
        Page(page).run(renew=RENEW)
    except Exception as fault:
        lines = [
            each.lineno for each in extract_tb(fault.__traceback__) if each.filename == str(page)
        ]
        where = f"{page}, line {lines[-1]}:\n" if lines else ""
        raise AssertionError(f"{where}{type(fault).__name__}: {fault}") from fault


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_command_lines_of_a_page_are_those_of_the_program(page):
    document = Document(page.read_text(encoding="utf-8"), str(page))
    faults = []
    for block in blocks(document):
        language, source = block.lexemes["language"], block.lexemes["source"]
        for words in command_lines(language, source):
            if (fault := fault_of(words)) is not None:
                faults.append(f"perjoule {' '.join(words)}: {fault}")
    assert not faults, "\n".join(faults)
