"""The command that writes what a search cost in the formats of others."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from ..benchmarks.analysis.target import DEFAULT_TARGET
from ..files.writing import check_new, write_whole
from ..reports.exports.given import DATA_TYPES, INFRASTRUCTURES, TRAINING_TYPES
from ..reports.exports.registry import check_form, forms_help
from . import completing as to
from .app import command
from .groups import Tables
from .options import Carbon, Force, Target, Text
from .printing import echo
from .recorded import load


@dataclass(frozen=True)
class Facts:
    """What only the user knows: fields of `reports.exports.given.Given`."""

    carbon: Carbon = None
    location: Annotated[
        Text, typer.Option(help='Where it ran, in words: "Paris, France" (hf, boamps).')
    ] = None
    hardware: Annotated[
        Text,
        typer.Option(
            help='"2 x gpu NVIDIA A100, 32 x cpu AMD EPYC 7543", of a processor its cores; if not '
            "given, what the run folder says."
        ),
    ] = None
    training_type: Annotated[Text, typer.Option(help=f"{' or '.join(TRAINING_TYPES)} (hf).")] = None
    task: Annotated[
        Text, typer.Option(help='What was trained for: "image classification" (boamps).')
    ] = None
    data_type: Annotated[
        Text, typer.Option(help=f"Of the data: {', '.join(DATA_TYPES)} (boamps).")
    ] = None
    infrastructure: Annotated[
        Text, typer.Option(help=f"{', '.join(INFRASTRUCTURES)} (boamps, codecarbon).")
    ] = None
    embodied: Annotated[
        Text, typer.Option(help='What making the hardware emitted: "1200 kg" (sci); never guessed.')
    ] = None
    lifetime: Annotated[
        Text, typer.Option(help='How long the hardware is used: "4 years" (sci).')
    ] = None
    share: Annotated[
        float | None, typer.Option(help="Share of the hardware that was reserved, up to 1 (sci).")
    ] = None
    flops: Annotated[
        float | None, typer.Option(help="Floating point operations of the whole search (sci).")
    ] = None
    tokens: Annotated[float | None, typer.Option(help="Tokens that were trained on (sci).")] = None


@command("disclose")
def disclose(
    *,
    tables: Tables,
    form: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="FORMAT",
            help=f"{forms_help()}.",
            autocompletion=to.one_of(to.disclosures),
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="The file; printed if not given.")] = None,
    force: Force = False,
    target: Target = DEFAULT_TARGET,
    facts: Facts,
) -> None:
    """Write what a search cost in a format of others: all its trials, not the best one alone.

    Notes on stderr say what the format has no room for, and what nobody knows and is left out.
    """
    from .. import api

    check_form(form)
    if out is not None:
        check_new(out, force=force)
    found = api.disclose(load(tables), form, target=target, **asdict(facts))
    for note in found.notes:
        echo(f"- {note}", err=True)
    if out is None:
        for line in found.text.removesuffix("\n").split("\n"):
            echo(line)
        return
    write_whole(out, lambda part: part.write_text(found.text, encoding="utf-8", newline="\n"))
    echo(f"Written: {out}")
