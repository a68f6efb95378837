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


def padding(sides: Sequence[int], least: int) -> tuple[int, int, int, int]:
    """Pixels to add left, right, above and below, so that height and width have at least so many.

    >>> padding((8, 15), 16)
    (0, 1, 4, 4)
    """
    height, width = (max(0, least - side) for side in sides)
    return width // 2, width - width // 2, height // 2, height - height // 2
