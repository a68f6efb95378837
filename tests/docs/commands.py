"""Command lines of perjoule that pages show, held against the real command line."""

import re
import shlex
from collections.abc import Iterator
from functools import cache

import typer
from typer.main import get_command

import perjoule.cli  # it registers the commands
from perjoule.cli.app import app

from .transcripts import commands_of

SHELLS = {"sh", "bash", "console"}
PROGRAM = re.compile(r"(?:\S*/)?perjoule")
BEFORE = re.compile(r"\w+=.*|time|nice|nohup|sudo|srun|exec|(?:\S*/)?python|-m|-\w|--|\d+")
"""Words before the program that leave it the command."""
ENDS = re.compile(r"[();<>|&]+")
assert perjoule.cli


def command_lines(language: str, text: str) -> Iterator[list[str]]:
    """The words after each `perjoule` of a block of shell."""
    if language not in SHELLS:
        return
    if language == "console":
        text = "\n".join(command.line for command in commands_of(text))
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
        lexer.whitespace_split = True
        words: list[str] = []
        try:
            for word in lexer:
                words.append(word)
        except ValueError:  # a quotation that goes on: of a program in another language
            continue
        yield from _calls(words)


def fault_of(words: list[str]) -> str | None:
    """Why the command line would not take these words, if it would not."""
    name, *arguments = words or ["--help"]
    if name.startswith("-"):
        name, arguments = "", words
    if {"--help", "-h"} & {*arguments, name}:
        return None
    known = _commands()
    if name not in known:
        return f"no command {name!r}"
    try:
        known[name].make_context(name, arguments)
    except typer.Exit:
        return None
    except Exception as fault:  # noqa: BLE001 - a usage error of whichever click typer brings
        return str(getattr(fault, "message", "") or fault)
    return None


@cache
def _commands() -> dict:
    group = get_command(app)
    return {"": group, **group.commands}


def _calls(words: list[str]) -> Iterator[list[str]]:
    while words:
        end = next((at for at, word in enumerate(words) if ENDS.fullmatch(word)), len(words))
        call, words = words[:end], words[end + 1 :]
        start = next((at for at, word in enumerate(call) if PROGRAM.fullmatch(word)), None)
        if start is not None and all(BEFORE.fullmatch(word) for word in call[:start]):
            yield call[start + 1 :]
