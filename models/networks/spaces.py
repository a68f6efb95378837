"""The part of every default search space that does not shape the network."""

from __future__ import annotations

from typing import Any

TRAINING_SPACE: dict[str, Any] = {
    "optimizer": {"type": "categorical", "choices": ["sgd", "adam", "adamw"]},
    "learning_rate": {"type": "float", "low": 1e-4, "high": 0.3, "log": True},
    "weight_decay": {"type": "float", "low": 1e-6, "high": 1e-2, "log": True},
    "log2_batch_size": {"type": "int", "low": 4, "high": 9},
    "epochs": {"type": "int", "low": 1, "high": 16, "log": True},
}
"""Optimiser and schedule, as `Space.parse` reads them; the batch size is `2 ** log2_batch_size`
samples."""
