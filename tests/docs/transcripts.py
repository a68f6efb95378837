"""Transcripts of the command line: commands after `$ `, each with what it prints.

Numbers stand for any number and a line `...` for any lines. A command may be followed by the lines
of a here-document, and by the comment `# exit 1` where it does not end with 0. In a transcript that
is an example, only the first words of the first and the last line of an output, and the heads of
its tables, are compared: what a search finds differs from machine to machine.
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

LIMIT_S = 300
DOTS = "..."
HOME = "/home/me"
"""What stands in pages for the folder that they run in."""
HERE_DOCUMENT = re.compile(r"<<\s*-?\s*['\"]?(\w+)['\"]?")
EXIT = re.compile(r"#\s*exit (\d+)\s*$")
NUMBER = re.compile(r"<?[\u2212-]?\d[\d.,]*(?:e[+-]?\d+)?")
UNIT = re.compile(r"(?<=#) [mkMµn]?(J|s|W|Wh|g)\b")
RULE = re.compile(r"[━─]+")


@dataclass
class Command:
    """A command of a transcript, and the lines that the page says it prints."""

    line: str
    body: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    blank: list[str] = field(default_factory=list)  # lines after it

    @property
    def script(self) -> str:
        return "\n".join([self.line, *self.body])

    @property
    def code(self) -> int:
        found = EXIT.search(self.line)
        return int(found[1]) if found else 0


@dataclass(frozen=True)
class Found:
    """What a transcript prints now, and what is wrong with it, if anything is."""

    printed: str
    failure: str | None  # a command ended otherwise than told
    difference: str | None  # one printed something else


def commands_of(text: str) -> list[Command]:
    """Split a transcript into its commands."""
    commands: list[Command] = []
    ends_with: str | None = None
    for line in text.splitlines():
        if ends_with is not None:
            commands[-1].body.append(line)
            if ends_with in {"\\", line}:
                ends_with = "\\" if ends_with == "\\" and line.endswith("\\") else None
        elif line.startswith("$ "):
            commands.append(Command(line[2:]))
            here = HERE_DOCUMENT.search(line)
            ends_with = here[1] if here else "\\" if line.endswith("\\") else None
        elif commands:
            commands[-1].told.append(line)
        elif line.strip():
            raise ValueError(f"a transcript begins with `$ `, not with {line!r}")
    for command in commands:
        while command.told and not command.told[-1].strip():
            command.blank.append(command.told.pop())
    return commands


def run_transcript(text: str, *, example: bool = False) -> Found:
    """Run the commands of a transcript in the current folder, and compare what they print."""
    printed: list[str] = []
    failures: list[str] = []
    differences: list[str] = []
    for command in commands_of(text):
        code, lines = _run(command.script)
        printed += [f"$ {command.line}", *command.body, *_elided(command.told, lines)]
        printed += command.blank
        if code != command.code:
            ended = f"`{command.line}` ended with {code}, not {command.code}, and printed"
            failures.append("\n".join([ended, *lines]))
        elif not _agree(command.told, lines, example=example):
            told, now = map(_normal, command.told), map(_normal, lines)
            diff = difflib.unified_diff([*told], [*now], "the page", "now", lineterm="")
            differences.append(f"`{command.line}` prints something else\n" + "\n".join(diff))
    texts = ("\n".join(each) or None for each in (failures, differences))
    return Found("".join(f"{line}\n" for line in printed), *texts)


def _run(script: str) -> tuple[int, list[str]]:
    """Run a shell command; its exit status, and the lines of stdout and stderr in their order."""
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in (("perjoule", "-m perjoule "), ("python", "")):
            program = Path(folder, name)
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
            program.chmod(0o755)
        ended = subprocess.run(
            ["bash", "-c", script],
            env=os.environ
            | {"PATH": f"{folder}:{os.environ['PATH']}", "NO_COLOR": "1", "COLUMNS": "100"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
    text = ended.stdout.replace(str(Path.cwd()), HOME).rstrip()
    return ended.returncode, [line.rstrip() for line in text.splitlines()]


def _agree(told: list[str], now: list[str], *, example: bool) -> bool:
    if example:
        told, now = _frame(told), _frame(now)
    return _same([_normal(each) for each in told], [_normal(each) for each in now])


def _frame(lines: list[str]) -> list[str]:
    """The first words of the first and the last line, and the heads of tables."""
    words = [line.split()[:1] for line in (lines[:1] + lines[-1:])]
    return ["".join(each) for each in words] + [line for line in lines if line.startswith("┃")]


def _same(told: list[str], now: list[str]) -> bool:
    """Whether lines are what is told, in which `...` is any lines."""
    if not told:
        return not now
    if told[0] == DOTS:
        return any(_same(told[1:], now[skipped:]) for skipped in range(len(now) + 1))
    return bool(now) and told[0] == now[0] and _same(told[1:], now[1:])


def _normal(line: str) -> str:
    """A line with numbers, their prefixes and the widths of columns taken out."""
    return " ".join(RULE.sub("━", UNIT.sub(r" \1", NUMBER.sub("#", line))).split())


def _elided(told: list[str], now: list[str]) -> list[str]:
    """What is printed now, shortened by `...` where the page is, as far as its lines are found."""
    first, *others = _segments(told)
    kept, at = now[: len(first)], len(first)
    for segment in others:
        if segment:
            begins = (i for i in range(at, len(now)) if _normal(now[i]) == _normal(segment[0]))
            begin = next(begins, None)
            if begin is None:
                return now
        else:
            begin = len(now)
        kept += [DOTS, *now[begin : begin + len(segment)]]
        at = begin + len(segment)
    return kept + now[at:]


def _segments(told: list[str]) -> list[list[str]]:
    """The lines between those that are `...`."""
    segments: list[list[str]] = [[]]
    for line in told:
        if line.strip() == DOTS:
            segments.append([])
        else:
            segments[-1].append(line)
    return segments
