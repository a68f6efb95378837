"""Energy sources, one module each. This module finds the ones a name stands for."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import ConfigurationError, MeterError, UnknownNameError
from ..source import PowerSource, Scope, Source
from . import nvml, rapl
from .apportioned import ApportionedSource
from .cpu_time import CpuTimeSource
from .model import ModelSource

NAMES = ("auto", "cpu_time", "model", "nvml", "rapl")


def resolve(
    spec: str, gpus: Sequence[str] | None = None, *, shared: bool = False
) -> list[Source | PowerSource]:
    """Find the sources that a meter's text names.

    Args:
        spec: ``"auto"``, or names joined by commas. ``"cpu_time:6.5"`` sets watts per core,
            ``"model:1e-10"`` joules per operation.
        gpus: UUIDs of the GPUs in use; None for all visible, empty for none.
        shared: Whether other workers of ours use the same processors: package joules are split by
            CPU-time share, and GPUs cannot be.

    Returns:
        The sources. ``"auto"`` takes measured sources where they can be read and the modelled CPU
        where not; it never fails.

    Raises:
        UnknownNameError: A name is not known.
        ConfigurationError: A figure behind a colon is not a number above zero.
        MeterError: A source named explicitly cannot be read here.
    """
    found = _find(spec, gpus)
    if not shared:
        return found
    return [_share(source) for source in found]


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


def _find(spec: str, gpus: Sequence[str] | None) -> list[Source | PowerSource]:
    if spec == "auto":
        return [*(rapl.discover().sources or [CpuTimeSource()]), *nvml.discover(gpus=gpus).sources]
    sources: list[Source | PowerSource] = []
    for name, figure in (_parse(part) for part in spec.split(",")):
        if name == "cpu_time":
            sources.append(CpuTimeSource(watts_per_core=figure))
        elif name == "model":
            sources.append(
                ModelSource(**({} if figure is None else {"joules_per_operation": figure}))
            )
        elif name in ("rapl", "nvml"):
            found = rapl.discover() if name == "rapl" else nvml.discover(gpus=gpus)
            if not found.sources:
                raise MeterError(
                    f"meter {name!r} cannot be read here: {found.reason}. {found.mend}"
                )
            sources.extend(found.sources)
        else:
            raise UnknownNameError("meter", name, NAMES)
    return sources


def _parse(part: str) -> tuple[str, float | None]:
    name, colon, text = part.strip().partition(":")
    if not colon:
        return name, None
    try:
        figure = float(text)
    except ValueError:
        figure = 0.0
    if not 0 < figure < float("inf"):
        raise ConfigurationError(f"meter {part!r}: {text!r} is not a number above zero")
    return name, figure
