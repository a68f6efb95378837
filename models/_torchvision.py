"""The one place that imports torchvision, so that it also works beside a CPU-only PyTorch."""

from __future__ import annotations

from ._torchvision_operators import prepare

prepare()

import torchvision  # noqa: E402 - not before `prepare`

datasets, models = torchvision.datasets, torchvision.models

__all__ = ["datasets", "models", "torchvision"]
