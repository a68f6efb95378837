"""What makes `import torchvision` work beside a CPU-only PyTorch, whoever writes it.

The registry's torchvision is built for CUDA. Beside a CPU-only PyTorch its compiled part cannot be
loaded, and it fails at describing two operators that nobody declared. Its datasets, transforms and
classification models are pure Python and need neither, so declaring the two is enough.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_KEPT: list[object] = []  # PyTorch forgets operators when their library is collected


class _BeforeTorchvision:
    """A finder of modules that finds none; asked for torchvision, it declares the operators."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: object = None) -> None:
        del path, target
        if name == "torchvision":
            _declare_missing()


def prepare() -> None:
    """Make the next `import torchvision` of this process work; costs nothing until there is one."""
    if _BeforeTorchvision not in sys.meta_path:
        sys.meta_path.insert(0, _BeforeTorchvision)


@cache
def _declare_missing() -> None:
    """Load torchvision's compiled part, as it will itself; if that fails, declare its operators."""
    import torch

    spec = PathFinder.find_spec("torchvision")
    for folder in (spec and spec.submodule_search_locations) or []:
        for compiled in [*Path(folder).glob("_C*.so"), *Path(folder).glob("_C*.pyd")]:
            try:
                torch.ops.load_library(compiled)
            except OSError:
                continue
    if not hasattr(torch.ops.torchvision, "nms"):
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)
