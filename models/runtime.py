"""Where networks are trained, and how precisely."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from ..errors import ConfigurationError

LEAST_FOR_BFLOAT16 = 30e6  # operations, of a forward pass of a batch on a CPU
"""Below it the casts take longer than they save, up to 1.7 times; above it bfloat16 is faster, up
to 1.6 times: 16 networks on images of 8x8 to 32x32 pixels, one thread of an AMD EPYC 9004."""


@dataclass(frozen=True)
class Runtime:
    """Where and how precisely networks are trained; it changes the weights, so record it."""

    device: torch.device
    autocast: torch.dtype | None = None  # of the matrix products; None for float32 throughout
    channels_last: ClassVar[bool] = True  # how images and kernels lie in memory

    @classmethod
    def detect(cls, device: str | None = None) -> Runtime:
        """The fastest way on a device, by default CUDA or else the CPU: bfloat16 where it can.

        On a CPU a candidate is asked `for_batches` as well.

        Raises:
            ConfigurationError: The device cannot be used.
        """
        try:
            if device is None:
                device = "cuda" if torch.cuda.is_available() else "cpu"
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # of kinds of devices that are no more
                chosen = torch.device(device)
            torch.empty(1, device=chosen).tolist()
        # A build without CUDA asserts.
        except (RuntimeError, AssertionError, UserWarning) as error:
            reason = str(error).splitlines()[0]
            raise ConfigurationError(f"device {device!r}: {reason}; try 'cpu'") from error
        return cls(chosen, torch.bfloat16 if _multiplies_bfloat16(chosen) else None)

    def at(self, precision: str) -> Runtime:
        """The same place at the precision of a candidate, one of `settings.PRECISIONS`.

        Raises:
            ConfigurationError: The device cannot multiply so.
        """
        if precision == "auto":
            return self
        cuda = self.device.type == "cuda"
        if precision == "bf16" and cuda and not torch.cuda.is_bf16_supported():
            raise ConfigurationError(
                f"precision = 'bf16', but {_device_name(self.device)} has no bfloat16: take auto"
            )
        return replace(self, autocast=torch.bfloat16 if precision == "bf16" else None)

    def for_batches(self, operations: float) -> Runtime:
        """The same place in float32, if forward passes of so many operations are faster so."""
        slower = self.device.type == "cpu" and operations < LEAST_FOR_BFLOAT16
        return replace(self, autocast=None) if slower else self

    def describe(self) -> dict[str, Any]:
        """What the record of an experiment keeps, in plain values."""
        return {
            "device": str(self.device),
            "device_name": _device_name(self.device),
            "autocast": str(self.autocast or torch.float32).removeprefix("torch."),
            "channels_last": self.channels_last,
            "threads": torch.get_num_threads(),
            "torch": str(torch.__version__),
        }

    def precision(self) -> torch.autocast:
        """A new context for one forward pass: autocast keeps copies of weights until it closes."""
        return torch.autocast(self.device.type, self.autocast, enabled=self.autocast is not None)

    @contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Let a seed decide PyTorch's global random numbers, and put them back at the end."""
        cuda = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(cuda):
            if self.device.type == "cpu":
                # As `torch.manual_seed`, which formats a traceback for CUDA, were it to come.
                torch.default_generator.manual_seed(seed)
            else:
                torch.manual_seed(seed)
            yield


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, bool)() for probe in probes)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return torch.backends.cpu.get_cpu_capability() if device.type == "cpu" else device.type
