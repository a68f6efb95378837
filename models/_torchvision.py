"""The one place that imports torchvision, so that it also works beside a CPU-only PyTorch.

A torchvision built for CUDA fails there at describing two operators that nobody declared; what is
used of it is pure Python and needs neither, so declaring the two is enough.
"""

from __future__ import annotations

import torch

try:
    import torchvision
except RuntimeError as error:
    if "operator torchvision::nms does not exist" not in str(error):
        raise
    # Kept alive by the module: PyTorch forgets the operators when the library is collected.
    _OPERATORS = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _OPERATORS.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

datasets = torchvision.datasets

__all__ = ["datasets", "torchvision"]
