"""The application: how commands are registered, and how they print."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperGroup

from ..errors import ConfigurationError
from ..files.writing import check_new, write_whole
from ..version import __version__
from .exit_codes import EPILOG
from .printing import echo, echo_json
from .stopping import stopping

WHOLE = 1_000
"""Characters of a summary that the help shows at most."""


class _Commands(TyperGroup):
    """All commands, each with its whole summary in the help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the table of the commands."""
        told = [(name, each.get_short_help_str(WHOLE)) for name, each in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(told)


app = typer.Typer(
    help="Which hyperparameter search finds the most accurate network for the fewest joules? "
    "Begin with `perjoule compare`: it needs nothing else, and takes two minutes on two "
    "free cores.",
    epilog=EPILOG,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # panels and colours would take half of the time until the help is there
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    verbose: Annotated[
        bool,
        typer.Option(
            "--verbose",
            help="With --version: also of libraries, the system, and which meters are found.",
        ),
    ] = False,
) -> None:
    """Print the version, or go on to the command."""
    if verbose and not version:
        raise ConfigurationError("--verbose goes with --version: leave it out")
    if version:
        from .about import about

        for line in about() if verbose else [__version__]:
            echo(line)
        raise typer.Exit


def command(name: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command; a parameter that is a dataclass becomes an option for each field.

    Args:
        name: Its name.
        **settings: As typer takes them.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        hints = _hints(function)
        own = inspect.signature(function).parameters
        groups = {key: hints[key] for key in own if is_dataclass(hints[key])}
        taken: list[inspect.Parameter] = []
        for key, parameter in own.items():
            group = groups.get(key)
            parts = {key: parameter} if group is None else inspect.signature(group).parameters
            known = hints if group is None else _hints(group)
            taken += [
                each.replace(annotation=known[part], kind=inspect.Parameter.KEYWORD_ONLY)
                for part, each in parts.items()
            ]

        def call(**values: Any) -> None:
            grouped = {
                key: group(**{each.name: values.pop(each.name) for each in fields(group)})
                for key, group in groups.items()
            }
            stopping().begins(name)
            try:
                function(**values, **grouped)
            except KeyboardInterrupt:
                stopping().end()

        call.__doc__ = _unbroken(function.__doc__ or "")
        call.__annotations__ = {each.name: each.annotation for each in taken}
        call.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
        app.command(name, **settings)(call)
        return function

    return register


@cache
def _hints(named: Any) -> dict[str, Any]:
    """The annotations of a command, or of a group of options that several share."""
    return get_type_hints(named, include_extras=True)


def _unbroken(text: str) -> str:
    """A docstring whose paragraphs are one line each, for a terminal to wrap."""
    return "\n\n".join(" ".join(each.split()) for each in inspect.cleandoc(text).split("\n\n"))


def show(data: Any, as_json: bool, print_it: Callable[[], None]) -> None:
    """Print data as JSON, or for people."""
    if as_json:
        echo_json(data)
    else:
        print_it()


def check_json(path: Path | None, *, force: bool) -> None:
    """Refuse a file for JSON that is there, unless it is stdout or may be written over."""
    if path is not None and str(path) != "-":
        check_new(path, force=force)


def write_json(path: Path | None, data: dict[str, Any]) -> bool:
    """Write data as JSON to a file if one is named; say whether it went to stdout."""
    if path is None:
        return False
    if str(path) == "-":
        echo_json(data, allow_nan=False)
        return True
    text = json.dumps(data, indent=2, allow_nan=False)
    write_whole(path, lambda part: part.write_text(f"{text}\n", encoding="utf-8"))
    return False
