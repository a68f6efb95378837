"""Writing a predictor for others: TorchScript, ONNX, or a program of ``torch.export``.

Each has normalisation and softmax inside and takes any number of float32 inputs as the data set
gives them, ``(N, height, width, channels)`` or ``(N, features)``, by the name ``images``; what
comes out is float32 ``(N, classes)``, ``probabilities``. The key ``perjoule`` of a file's metadata
holds JSON that says so, with the class names.
"""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..errors import ConfigurationError, UnknownNameError
from ..files.writing import write_whole
from ..version import __version__
from .predictor import EndToEnd, Predictor

MOST_DIFFERENCE = 1e-4
"""Of a probability, between the predictor in float32 and what was written."""
_METADATA = "perjoule"
_CHECKED_BATCHES = (1, 5)
_ONNX_NEEDS = ("onnx", "onnxscript", "onnxruntime")

Run = Callable[[Tensor], Tensor]


class _Format(NamedTuple):
    """How a module is turned into bytes, and bytes into something that predicts."""

    suffix: str
    write: Callable[[EndToEnd, Tensor, str], bytes]
    read: Callable[[bytes], Run]


class Exported(NamedTuple):
    """A file that was written."""

    path: Path
    form: str
    layout: str  # of its inputs, such as "(N, 8, 8, 1)"
    difference: float  # the greatest of a probability, from the predictor's in float32


def resolve_format(form: str | None, path: Path | None) -> str:
    """The format that is meant: as named, else by the ending of a file, else the first.

    Raises:
        UnknownNameError: There is none of that name.
    """
    if form is not None and form not in FORMATS:
        raise UnknownNameError("format", form, FORMATS)
    ending = "" if path is None else path.name
    by_ending = (name for name, each in FORMATS.items() if ending.endswith(each.suffix))
    return form or next(by_ending, next(iter(FORMATS)))


def export(predictor: Predictor, form: str, path: Path) -> Exported:
    """Write a predictor in a format of others, whole or not at all.

    What was written is read again and must give what the predictor gives.

    Args:
        predictor: One on the CPU; what is written predicts in float32, whatever it does itself.
        form: A key of `FORMATS`.
        path: The file.

    Returns:
        What was written.

    Raises:
        ConfigurationError: What a format needs is not installed, or it cannot hold the network.
        OutputError: The file cannot be written.
    """
    if form == "onnx" and not all(map(find_spec, _ONNX_NEEDS)):
        raise ConfigurationError("onnx is not installed: pip install 'perjoule[onnx]'")
    format_, module = FORMATS[form], predictor.module
    metadata = json.dumps(describe(predictor))
    try:
        with _quiet():
            content = format_.write(module, _samples(predictor, 2), metadata)
            run = format_.read(content)
            difference = max(_difference(predictor, run, count) for count in _CHECKED_BATCHES)
    except Exception as error:  # whatever an exporter does not like of somebody's network
        reason = (str(error).strip() or "no message").splitlines()[0]
        raise ConfigurationError(
            f"{form} cannot hold {predictor.described.architecture!r} "
            f"({type(error).__name__}: {reason}): try another --format"
        ) from error
    if not difference <= MOST_DIFFERENCE:
        raise ConfigurationError(
            f"{form} of {predictor.described.architecture!r} gives other probabilities (by "
            f"{difference:.2g}): does its forward pass depend on the inputs? Try another --format"
        )
    write_whole(path, lambda part: part.write_bytes(content))
    return Exported(path, form, predictor.described.layout, difference)


def describe(predictor: Predictor) -> dict[str, Any]:
    """What the metadata of a file tell of it."""
    described = predictor.described
    return {
        "perjoule": __version__,
        "input": f"images: float32 {described.layout}, as the data set gives them",
        "output": f"probabilities: float32 (N, {described.n_classes})",
        "class_names": list(described.class_names),
        "tasks": list(described.task_sizes),
        "architecture": described.architecture,
        "params": dict(described.params),
    }


def _write_torchscript(module: EndToEnd, example: Tensor, metadata: str) -> bytes:
    buffer = io.BytesIO()
    traced = torch.jit.trace(module, (example,), check_trace=False)
    torch.jit.save(traced, buffer, _extra_files={_METADATA: metadata})
    return buffer.getvalue()


def _read_torchscript(content: bytes) -> Run:
    return torch.jit.load(io.BytesIO(content))


def _write_program(module: EndToEnd, example: Tensor, metadata: str) -> bytes:
    buffer = io.BytesIO()
    program = torch.export.export(module, (example,), dynamic_shapes=_any_number())
    torch.export.save(program, buffer, extra_files={_METADATA: metadata})
    return buffer.getvalue()


def _read_program(content: bytes) -> Run:
    return torch.export.load(io.BytesIO(content)).module()


def _write_onnx(module: EndToEnd, example: Tensor, metadata: str) -> bytes:
    program = torch.onnx.export(
        module,
        (example,),
        dynamo=True,
        dynamic_shapes=_any_number(),
        input_names=["images"],
        output_names=["probabilities"],
        verbose=False,
    )
    assert program is not None
    program.model.metadata_props[_METADATA] = metadata
    return program.model_proto.SerializeToString()


def _read_onnx(content: bytes) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return lambda images: torch.as_tensor(session.run(None, {"images": images.numpy()})[0])


FORMATS = {
    "torchscript": _Format(".torchscript.pt", _write_torchscript, _read_torchscript),
    "onnx": _Format(".onnx", _write_onnx, _read_onnx),
    "torch-export": _Format(".pt2", _write_program, _read_program),
}


def _any_number() -> dict[str, Any]:
    return {"images": {0: torch.export.Dim("N")}}


def _samples(predictor: Predictor, count: int) -> Tensor:
    """Inputs as they might be in the data: seeded noise around its mean."""
    module, (channels, *sides) = predictor.module, predictor.described.shape
    noise = torch.randn(count, *sides, channels, generator=torch.Generator().manual_seed(count))
    return module.mean + module.deviation * noise


def _difference(predictor: Predictor, run: Run, count: int) -> float:
    samples = _samples(predictor, count)
    with torch.no_grad():
        return float((run(samples) - predictor.module(samples)).abs().max())


@contextmanager
def _quiet() -> Iterator[None]:
    """No word of an exporter's: TorchScript says that it is deprecated, ONNX tells its steps."""
    before = logging.root.manager.disable
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
