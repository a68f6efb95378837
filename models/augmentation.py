"""Changes of training images that leave their labels true: batched, on the device.

Images are ``(n, height, width, channels)``, normalised, so that 0 is the mean of the training
split. PyTorch's global random numbers decide; the training seeds them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Augmentation = Callable[["Tensor"], "Tensor"]


def _flip(images: Tensor) -> Tensor:
    """Mirror every other image, left to right, by chance."""
    import torch

    mirrored = torch.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(2), images)


def _shift(images: Tensor) -> Tensor:
    """Shift by up to an eighth of each side, and fill with 0.

    That is the crop after padding with 4 pixels of 32 (He et al. 2016, section 4.2).
    """
    import torch
    import torch.nn.functional as F

    n, *sides, _ = images.shape
    reach = [max(1, round(side / 8)) for side in sides]
    padded = F.pad(images, (0, 0, reach[1], reach[1], reach[0], reach[0]))
    rows, columns = (
        torch.randint(2 * most + 1, (n, 1), device=images.device)
        + torch.arange(side, device=images.device)
        for most, side in zip(reach, sides, strict=True)
    )
    samples = torch.arange(n, device=images.device)
    return padded[samples[:, None, None], rows[:, :, None], columns[:, None, :]]


def _cutout(images: Tensor) -> Tensor:
    """Fill a rectangle of half each side, centred on any pixel, with 0.

    DeVries and Taylor 2017 take 16 pixels of 32 for CIFAR-10; what lies outside is cut off.
    """
    import torch

    inside = []
    for side in images.shape[1:3]:
        size = max(1, side // 2)
        centre = torch.randint(side, (len(images), 1), device=images.device)
        offset = torch.arange(side, device=images.device) - centre + size // 2
        inside.append((offset >= 0) & (offset < size))
    rows, columns = inside
    return images.masked_fill((rows[:, :, None] & columns[:, None, :]).unsqueeze(3), 0.0)


AUGMENTATIONS: dict[str, Augmentation | None] = {
    "none": None,
    "flip": _flip,
    "shift": _shift,
    "cutout": _cutout,
}


def augmentation(names: str) -> Augmentation | None:
    """What a batch of images goes through: keys of `AUGMENTATIONS` joined by +; None if nothing."""
    chosen = [each for name in names.split("+") if (each := AUGMENTATIONS[name]) is not None]
    if not chosen:
        return None

    def augment(images: Tensor) -> Tensor:
        for each in chosen:
            images = each(images)
        return images

    return augment
