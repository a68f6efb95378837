"""Bad inputs of every kind: one line and exit code 2, no traceback, nothing half-written."""

import random
import shutil
import sys
import time
import zlib

import pytest

from ..command import PROGRESS, call
from .bad import KINDS
from .bad.common import NETWORKS, USUAL
from .bad.modules import FUNCTIONS

A_CASE_S = 60.0  # none may hang; shared machines stall
"""The most that a refusal may take, on a busy machine."""
CASES, QUICK = 90, 2
"""Of each kind, and those of them that are always tried."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The current folder: with modules that cannot be used, and a search that can."""
    home = tmp_path_factory.mktemp("bad")
    for name, text in FUNCTIONS.items():
        (home / f"{name}.py").write_bytes(text.encode("utf-8", "surrogateescape"))
    for name in ("empty", "taken"):
        (home / name).mkdir()
    (home / "taken" / "thesis.txt").write_text("years of work")
    (home / "file").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.syspath_prepend(home)
        patch.setenv("PERJOULE_DATA", str(home / "data"))
        patch.setattr(sys, "dont_write_bytecode", True)
        usual = [f"--{name}={value}" for name, value in (NETWORKS | USUAL).items()]
        ended = call("tune", "--strategy=random", *usual, "--budget=3e-5 J", "--out=tuned")
        assert ended.code == 0, ended.err
        yield home
    for name in FUNCTIONS:
        sys.modules.pop(name, None)


def refuse(place, kind, seed):
    """Draw an input and check how it is refused."""
    rng, folder = random.Random(zlib.crc32(f"{kind} {seed}".encode())), place / "case"
    folder.mkdir()
    try:
        makers = KINDS[kind]
        arguments = makers[seed % len(makers)](rng, folder)
        shown = f"{kind} {seed}: {arguments!r}"[:3_000]
        before, began_s = sorted(place.rglob("*")), time.monotonic()
        ended = call(*arguments)
        took_s = time.monotonic() - began_s
        left = [path for path in sorted(place.rglob("*")) if path not in before]
        left = [path for path in left if (place / "data") not in (path, *path.parents)]
    finally:
        shutil.rmtree(folder)
    lines = [each for each in ended.err.split("\n")[:-1] if not PROGRESS.match(each)]
    assert (ended.code, ended.out) == (2, ""), f"{shown} {ended}"
    assert len(lines) == 1, f"{shown} {lines}"
    assert lines[0].startswith("perjoule: "), f"{shown} {lines}"
    assert lines[0].isprintable(), f"{shown} {lines}"
    assert "Traceback" not in lines[0]
    assert "one epoch of the cheapest" not in lines[0], f"not refused: {shown}"
    assert not left, f"{shown} {left}"
    assert took_s < A_CASE_S, f"{shown} took {took_s:.1f} s"
    return lines[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_input_is_one_line_and_code_2(kind, place):
    for seed in range(QUICK):
        refuse(place, kind, seed)


@pytest.mark.campaign
@pytest.mark.thorough
@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_bad_inputs_are(kind, place):
    for seed in range(QUICK, CASES):
        refuse(place, kind, seed)
