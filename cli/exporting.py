"""The command that writes the best network for others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import completing as to
from .app import command
from .options import Force, Trust
from .printing import echo


@command("export")
def export(
    *,
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of `perjoule tune`.")],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="torchscript, onnx (needs the extra onnx), torch-export (what PyTorch advises in "
            "place of TorchScript); by the ending of --out, else torchscript.",
            autocompletion=to.one_of(to.words("torchscript", "onnx", "torch-export")),
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The file; in RUN if not given.")] = None,
    trust: Trust = False,
    force: Force = False,
) -> None:
    """Write the best network with normalisation and softmax inside, and check what was written."""
    from .. import api

    written = api.export(folder, form, out=out, trust=trust, force=force)
    echo(
        f"{written.path} written ({written.form}): it takes float32 {written.layout} as the data "
        "set gives them; its probabilities differ from the predictor's in float32 by at most "
        f"{written.difference:.1g}."
    )
