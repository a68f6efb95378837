"""Layers that add their input to their output."""

from __future__ import annotations

from torch import Tensor, nn


class Residual(nn.Sequential):
    """Layers in order, whose input is added to their output of the same shape."""

    def forward(self, input: Tensor) -> Tensor:
        """The sum of the input and what the layers make of it."""
        return input + super().forward(input)
