"""Checkpoints: what a paused trial needs to go on, as bytes."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import torch

from ..files.bounded import WEIGHTS

_PLAIN = (type(None), bool, int, float, str, bytes, set, torch.Size, torch.dtype, torch.device)


def load_checkpoint(checkpoint: bytes) -> dict[str, Any]:
    """Read a checkpoint: its ``epoch``, and the ``state`` that the training function saved.

    Earlier versions kept the states of ``network`` and ``optimizer`` beside the epoch.
    """
    saved = load_tensors(checkpoint)
    return saved if "state" in saved else {"epoch": saved.pop("epoch"), "state": saved}


def load_tensors(content: bytes) -> Any:
    """Read what ``torch.save`` wrote, on the CPU; nothing in it runs.

    Raises:
        ValueError: It unpacks to more than weights may take.
        Exception: Whatever PyTorch raises at what it cannot read.
    """
    file = io.BytesIO(content)
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            unpacked = sum(each.file_size for each in archive.infolist())
        if unpacked > WEIGHTS:
            raise ValueError(f"unpacks to {unpacked:,} bytes, and at most {WEIGHTS:,} are read")
    file.seek(0)
    return torch.load(file, weights_only=True, map_location="cpu")


def save_state(state: dict[str, Any]) -> bytes:
    """Serialise tensors, as ``load_checkpoint`` and ``torch.load`` read them."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def copy_to_cpu(value: Any, where: str = "state") -> Any:
    """Copy a state of nested dictionaries and lists, with all tensors on the CPU.

    Raises:
        TypeError: There is something else in it than `load_checkpoint` reads; the message names it.
    """
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {
            copy_to_cpu(key, f"a key of {where}"): copy_to_cpu(item, f"{where}[{key!r}]")
            for key, item in value.items()
        }
    if type(value) in (list, tuple):
        return type(value)(copy_to_cpu(item, f"{where}[{i}]") for i, item in enumerate(value))
    if isinstance(value, np.generic):
        return value.item()
    if type(value) not in _PLAIN:
        kind = type(value).__name__
        raise TypeError(f"{where} is of type {kind}: keep tensors, numbers, text and bytes alone")
    return value
