"""A step that is replayed as one CUDA graph: small kernels cost their launches, which it saves."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_WARM_UP = 3  # steps before the capture, in which libraries and the optimiser make their state


class GraphedStep:
    """A function of a tensor on a GPU that is captured once and then replayed.

    It may neither wait for the GPU nor depend on anything but its argument and tensors that stay
    where they are. Its first calls, and those with an argument of another shape, are not graphed.
    """

    def __init__(self, function: Callable[[Tensor], None]) -> None:
        self._function = function
        self._taken = 0
        self._argument: Tensor | None = None  # where the graph reads it
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, argument: Tensor) -> None:
        """Do what the function does."""
        if self._argument is None:
            self._argument = argument.clone()
        if argument.shape != self._argument.shape:
            self._function(argument)
            return
        self._argument.copy_(argument)
        if self._taken < _WARM_UP:
            self._warm_up()
            return
        if self._graph is None:
            self._graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._graph):  # records, and does nothing yet
                self._function(self._argument)
        self._graph.replay()

    def _warm_up(self) -> None:
        """Call it on another stream, as PyTorch asks for before a capture."""
        assert self._argument is not None
        self._taken += 1
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._function(self._argument)
        torch.cuda.current_stream().wait_stream(stream)
