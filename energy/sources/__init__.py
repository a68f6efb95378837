"""Energy sources, one module each. This module finds the ones a name stands for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError, MeterError, UnknownNameError
from ..discovery import Discovery
from ..source import PowerSource, Scope, Source
from . import nvml, rapl
from .apportioned import ApportionedSource
from .cpu_time import CpuTimeSource
from .model import ModelSource

NAMES = ("auto", "cpu_time", "model", "nvml", "rapl")
OF_THE_CPU = frozenset({"cpu_time", "model", "rapl"})
TAKE_A_FIGURE = ("cpu_time", "model")


def resolve(
    spec: str,
    gpus: Sequence[str] | None = None,
    *,
    shared: bool = False,
    rapl_root: Path = rapl.ROOT,
    nvml_binding: Any = None,
) -> list[Source | PowerSource]:
    """Find the sources that a meter's text names.

    Args:
        spec: ``"auto"``, or names joined by commas. ``"cpu_time:6.5"`` sets watts per core,
            ``"model:1e-10"`` joules per operation.
        gpus: UUIDs of the GPUs in use; None for all visible, empty for none.
        shared: Whether other workers of ours use the same processors: package joules are split by
            CPU-time share, and GPUs cannot be.
        rapl_root: The powercap tree.
        nvml_binding: The NVML binding; None for ``pynvml``.

    Returns:
        The sources. ``"auto"`` takes measured sources where they can be read and the modelled CPU
        where not.

    Raises:
        UnknownNameError: A name is not known.
        ConfigurationError: A figure behind a colon is not a number above zero, or names that do
            not go together.
        MeterError: A source named explicitly, or a GPU of ``gpus``, cannot be read here.

    Warns:
        RuntimeWarning: Visible hardware cannot be read, so that its joules are missing.
    """
    names = [_parse(part) for part in spec.split(",")]
    _check_together(spec, [name for name, _ in names])
    sources: list[Source | PowerSource] = []
    for name, figure in names:
        if name == "cpu_time":
            sources.append(CpuTimeSource(watts_per_core=figure))
        elif name == "model":
            sources.append(ModelSource() if figure is None else ModelSource(figure))
        if name in ("auto", "rapl"):
            found = _complete(rapl.discover(rapl_root), needed=int(name == "rapl"), what="RAPL")
            sources.extend(found or [CpuTimeSource()])
        if name in ("auto", "nvml"):
            needed = len(gpus) if gpus is not None else int(name == "nvml")
            sources.extend(_complete(nvml.discover(nvml_binding, gpus), needed, what="GPU"))
    return [_share(source) for source in sources] if shared else sources


def _complete(found: Discovery, needed: int, what: str) -> list[Source | PowerSource]:
    """The sources found; raise if one that was asked for is missing, warn if another is."""
    why = f"{found.reason}. {found.mend}".strip()
    if len(found.sources) < needed:
        raise MeterError(f"{what} energy cannot be read here: {why}")
    if found.incomplete:
        message = f"{what} energy is not all in the joules: {why}"
        warnings.warn(message, RuntimeWarning, stacklevel=4)
    return found.sources


def _share(source: Source | PowerSource) -> Source | PowerSource:
    info = source.info
    if info.scope is Scope.PROCESS:
        return source
    if info.scope is Scope.PACKAGE and isinstance(source, Source):
        return ApportionedSource(source)
    raise MeterError(
        f"{info.id} counts a whole {info.scope}, which cannot be split among workers: "
        "take one worker, or --meter cpu_time"
    )


def _check_together(spec: str, names: list[str]) -> None:
    for name in names:
        if name not in NAMES:
            raise UnknownNameError("meter", name, NAMES)
    if "auto" in names and len(names) > 1:
        raise ConfigurationError(f"meter {spec!r}: auto chooses by itself, so name it alone")
    if len(names) != len(set(names)) or len(OF_THE_CPU.intersection(names)) > 1:
        raise ConfigurationError(
            f"meter {spec!r} would count the same joules twice: name one of "
            f"{', '.join(sorted(OF_THE_CPU))}, and each once"
        )


def _parse(part: str) -> tuple[str, float | None]:
    name, colon, text = part.strip().partition(":")
    if not colon:
        return name, None
    if name not in TAKE_A_FIGURE:
        raise ConfigurationError(f"meter {part!r}: {name!r} takes no figure")
    try:
        figure = float(text)
    except ValueError:
        figure = 0.0
    if not 0 < figure < float("inf"):
        raise ConfigurationError(f"meter {part!r}: {text!r} is not a number above zero")
    return name, figure
