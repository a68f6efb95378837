"""The application: how commands are registered, and how they print."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from ..version import __version__
from .stopping import stopping

app = typer.Typer(
    help="Which hyperparameter search finds the most accurate network for the fewest joules?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Print the version, or go on to the command."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def command(name: str, **settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command; a parameter that is a dataclass becomes an option for each field.

    Args:
        name: Its name.
        **settings: As typer takes them.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(function, include_extras=True)
        own = inspect.signature(function).parameters
        groups = {key: hints[key] for key in own if is_dataclass(hints[key])}
        taken: list[inspect.Parameter] = []
        for key, parameter in own.items():
            group = groups.get(key)
            parts = {key: parameter} if group is None else inspect.signature(group).parameters
            known = hints if group is None else get_type_hints(group, include_extras=True)
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

        call.__doc__ = function.__doc__
        call.__annotations__ = {each.name: each.annotation for each in taken}
        call.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
        app.command(name, **settings)(call)
        return function

    return register


def show(data: Any, as_json: bool, print_it: Callable[[], None]) -> None:
    """Print data as JSON, or for people."""
    if as_json:
        typer.echo(json.dumps(data, indent=2))
    else:
        print_it()


def write_json(path: Path | None, data: dict[str, Any]) -> bool:
    """Write data as JSON to a file if one is named; say whether it went to stdout."""
    if path is None:
        return False
    text = json.dumps(data, indent=2, allow_nan=False)
    if str(path) == "-":
        typer.echo(text)
        return True
    from ..files import write_whole

    write_whole(path, lambda part: part.write_text(f"{text}\n", encoding="utf-8"))
    return False
