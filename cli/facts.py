"""The facts of the command line: one walk over the application, whoever writes them down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import typer

from .app import app
from .exit_codes import EXIT_CODES, OF_A_COMMAND

ENVIRONMENT = {
    "PERJOULE_HOME": "Folder of the calibrations of machines; else `perjoule` in "
    "`$XDG_CONFIG_HOME`, `~/.config`, `~/Library/Application Support` or `%APPDATA%`.",
    "PERJOULE_DATA": "Folder of data sets; `~/.cache/perjoule` if not set.",
    "PERJOULE_POWERCAP": "The powercap tree with RAPL's counters; `/sys/class/powercap` if not "
    "set. In a container, where it is mounted.",
    "BROWSER_PATH": "The Chromium that draws `perjoule figures`.",
    "CUDA_VISIBLE_DEVICES": "Which NVIDIA GPUs are used and metered; with CUDA_DEVICE_ORDER, by "
    "which numbers. Of AMD cards also ROCR_VISIBLE_DEVICES and HIP_VISIBLE_DEVICES.",
    "MLFLOW_TRACKING_URI": "Where `--record mlflow` records if it names no place; with "
    "MLFLOW_EXPERIMENT_NAME, in which experiment.",
    "WANDB_PROJECT": "The project of `--record wandb` if it names none; with WANDB_MODE and "
    "WANDB_DIR as Weights & Biases takes them.",
    "NO_COLOR": "If set, nothing is printed in colour.",
    "COLUMNS": "Width of help and tables; the terminal's if not set.",
    "TMPDIR": "Where the traceback of a fault of perjoule is kept.",
    "_PERJOULE_COMPLETE": "`source_bash`, `source_zsh` or `source_fish` prints the script that "
    "completes commands, options and values in that shell.",
}
"""Variables that the program reads, and what for."""


@dataclass(frozen=True)
class Parameter:
    """One argument or option of a command."""

    names: tuple[str, ...]  # of an option as it is written; of an argument what stands for it
    value: str  # what stands for an option's value; empty for one that takes none
    help: str
    default: str  # empty if there is none to speak of
    is_required: bool
    is_repeated: bool  # whether several may be given


@dataclass(frozen=True)
class Command:
    """One command."""

    name: str
    summary: str  # its first paragraph
    more: tuple[str, ...]  # its other paragraphs
    arguments: tuple[Parameter, ...]
    options: tuple[Parameter, ...]

    @property
    def usage(self) -> str:
        """How it is called."""
        shown = (
            f"{'' if each.is_required else '['}{each.names[0]}{'' if each.is_required else ']'}"
            f"{'...' if each.is_repeated else ''}"
            for each in self.arguments
        )
        return " ".join(["perjoule", *filter(None, [self.name]), "[OPTIONS]", *shown])


@dataclass(frozen=True)
class Program:
    """The whole command line."""

    summary: str
    options: tuple[Parameter, ...]  # those without a command
    commands: tuple[Command, ...]
    exit_codes: tuple[tuple[str, str], ...]
    exit_note: str
    environment: tuple[tuple[str, str], ...]


def program() -> Program:
    """Walk over the application."""
    group: Any = typer.main.get_command(app)
    hints = {each.name: each.callback.__annotations__ for each in app.registered_commands}
    commands = tuple(
        _command(name, each, hints[name])
        for name, each in group.commands.items()
        if not each.hidden
    )
    return Program(
        str(group.help),
        tuple(_parameters(group, "option", {})),
        commands,
        tuple(EXIT_CODES.items()),
        OF_A_COMMAND,
        tuple(ENVIRONMENT.items()),
    )


def _command(name: str, found: Any, hints: Mapping[str, Any]) -> Command:
    summary, *more = re.split(r"\n\n+", found.help.strip())
    parts = {kind: tuple(_parameters(found, kind, hints)) for kind in ("argument", "option")}
    return Command(name, summary, tuple(more), parts["argument"], parts["option"])


def _parameters(command: Any, kind: str, hints: Mapping[str, Any]) -> Iterator[Parameter]:
    for each in command.params:
        if each.param_type_name == kind and not each.hidden:
            stands = each.metavar or _stands_for(hints.get(each.name))
            takes_none = kind == "argument" or each.is_flag
            yield Parameter(
                tuple(each.opts) if kind == "option" else (each.metavar or each.name.upper(),),
                "" if takes_none else stands,
                " ".join((each.help or "").split()),
                _default(each.default),
                bool(each.required),
                bool(each.nargs != 1 or getattr(each, "multiple", False)),
            )


def _stands_for(hint: Any) -> str:
    """What stands for the value of an option that names nothing for it."""
    told = str(hint)
    known = {"float": "NUMBER", "int": "N", "Path": "PATH"}
    return next((word for kind, word in known.items() if re.search(rf"\b{kind}\b", told)), "TEXT")


def _default(value: Any) -> str:
    """A default as it would be written; those that say nothing are left out."""
    return "" if value is None or value is False or value in ((), [], "") else str(value)
