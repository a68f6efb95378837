"""Training functions of a user's own."""

from __future__ import annotations

from pathlib import Path
from random import Random

from . import modules
from .common import OWN, Arguments, Maker, hostile, line, word

HELPERS = ("right", "returning", "reporting", "raising", "saving", "X", "Y", "rng")
FAULTS = modules.names("bad_objectives", HELPERS)


def function(rng: Random, folder: Path) -> Arguments:
    return line(rng, OWN, objective=f"bad_objectives:{rng.choice(FAULTS)}")


def at_import(rng: Random, folder: Path) -> Arguments:
    return line(rng, OWN, objective=f"bad_{rng.choice(sorted(modules.AT_IMPORT))}:train")


def name(rng: Random, folder: Path) -> Arguments:
    names = [
        "x",
        ":",
        "a:",
        ":b",
        "os:",
        "os:path",
        "os.path:sep",
        "bad_objectives:no.such",
        "..:f",
    ]
    names += [
        "./file.py:f",
        "/etc/passwd:f",
        "os:path:join",
        "bad_objectives.right",
        "a b:c",
        "1:2",
    ]
    names += [f"nowhere:{word(rng)}", f"{hostile(rng)}:f", f"bad_objectives:{hostile(rng)}", "."]
    names += ["__main__:nothing", "builtins:None", "bad_objectives:__doc__"]
    names += ["sys:exit", "builtins:len", "json:dumps", "bad_objectives:right.x", "é:è"]
    return line(rng, OWN, objective=rng.choice(names).replace("\x00", "\x01"))


MAKERS: list[Maker] = [function, function, function, at_import, name, name]
