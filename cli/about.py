"""What a report of a bug needs to know: versions, system, and which meters are here."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..version import __version__

LIBRARIES = (
    "torch",
    "torchvision",
    "optuna",
    "scikit-optimize",
    "scikit-learn",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "plotly",
    "pydantic",
    "typer",
    "nvidia-ml-py",
    "codecarbon",
)
"""Whose versions decide how perjoule behaves."""


def about() -> Iterator[str]:
    """Lines of versions, system and meters; nothing is imported that is heavy, nothing watched."""
    yield f"perjoule {__version__}"
    yield f"python {platform.python_version()} ({sys.executable})"
    yield from (f"{name} {_version_of(name)}" for name in LIBRARIES)
    yield f"system {platform.platform()}"
    yield f"processor {_processor()}, {_cores()} cores usable, {platform.machine()}"
    yield from _meters()


def _version_of(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """What the system calls the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")


def _cores() -> int | str:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or "unknown"


def _meters() -> Iterator[str]:
    """The sources of joules that are found; `perjoule doctor` also watches them."""
    from ..energy.sources import machine as here

    families = (here.find_packages, here.find_cray, here.find_nvidia, here.find_amd)
    for find in (*families, here.find_sensors):
        found = find(here.THIS_MACHINE)
        for source in found.sources:
            info = source.info
            yield f"meter {info.id}: {info.component}, {info.kind.value}"
        if found.reason:
            yield f"no meter: {found.reason}"
