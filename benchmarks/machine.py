"""What must be known of a machine and its libraries to read numbers made on it."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from .. import __version__
from ..config import usable_cores
from ..energy.sources.cpu_power import cpu_model

_LIBRARIES = (
    "torch",
    "torchvision",
    "optuna",
    "scikit-optimize",
    "scikit-learn",
    "numpy",
    "codecarbon",
    "nvidia-ml-py",
)


def versions() -> dict[str, str]:
    """Versions of Python and of all libraries that a result depends on."""
    found = {"perjoule": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str | int]:
    """Processor, usable cores and system."""
    model, virtual = cpu_model()
    return {
        "cpu": f"{model} (virtual machine)" if virtual else model,
        "cores": usable_cores(),
        "platform": platform.platform(),
    }
