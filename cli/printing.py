"""What is printed passes here, or the console of `reports.progress`: nothing steers a terminal."""

from __future__ import annotations

import json
from typing import Any

import typer

from ..plain import printable


def echo(line: str, *, err: bool = False) -> None:
    """Print one line, in which each character stands for itself, whatever it quotes."""
    typer.echo(printable(line), err=err)


def echo_json(data: Any, **how: Any) -> None:
    """Print JSON, which is plain ASCII."""
    typer.echo(json.dumps(data, indent=2, **how).replace("\x7f", "\\u007f"))
