"""Checkpoints: what a paused trial needs to go on, as bytes."""

from __future__ import annotations

import io
from typing import Any

import torch


def load_checkpoint(checkpoint: bytes) -> dict[str, Any]:
    """Read a checkpoint: its ``epoch``, and the ``state`` that the training function saved.

    Earlier versions kept the states of ``network`` and ``optimizer`` beside the epoch.
    """
    saved = torch.load(io.BytesIO(checkpoint), weights_only=True, map_location="cpu")
    return saved if "state" in saved else {"epoch": saved.pop("epoch"), "state": saved}


def save_state(state: dict[str, Any]) -> bytes:
    """Serialise tensors, as ``load_checkpoint`` and ``torch.load`` read them."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def copy_to_cpu(value: Any) -> Any:
    """Copy all tensors in nested dictionaries and lists to the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: copy_to_cpu(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_to_cpu(item) for item in value]
    return value
