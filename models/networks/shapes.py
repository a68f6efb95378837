"""What a network may expect of its inputs."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import ConfigurationError


def image_shape(architecture: str, shape: Sequence[int]) -> tuple[int, int, int]:
    """The channels, height and width of the images that an architecture is given.

    Raises:
        ConfigurationError: The inputs are feature vectors.
    """
    if len(shape) != 3:
        raise ConfigurationError(
            f"{architecture} takes images, but the data are vectors of {shape[0]} features: "
            "take the architecture mlp"
        )
    channels, height, width = shape
    return channels, height, width
