"""Weights that torchvision publishes: a file on disk first, else a download; both are checked."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, DataError
from .heads import head_name
from .stems import first_convolution

if TYPE_CHECKING:
    from torch import nn

_HASH = re.compile(r"-([a-f0-9]+)\.pth$")  # the first digits of SHA-256, in the file's name
_DENSENET_KEY = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.")
_AUXILIARY = ("aux1.", "aux2.", "AuxLogits.")


def published_weights(name: str) -> Any:
    """The best weights of a model as torchvision describes them: `url` and `meta`."""
    from .._torchvision import models

    return models.get_model_weights(name).DEFAULT


def trained_side(name: str) -> int:
    """The side in pixels of the images that a model with a fixed grid was trained on."""
    return published_weights(name).meta["min_size"][0]


def load_pretrained(network: nn.Module, name: str) -> None:
    """Give a network the published weights of a model, but for its head.

    One-channel images are taken for grey ones: the weights of the first convolution are summed over
    its channels. A network on the meta device needs none.

    Raises:
        ConfigurationError: The images have neither one channel nor three.
        DataError: The weights are neither on disk nor to be had, or are damaged.
    """
    import torch

    first, head = f"{first_convolution(network)}.weight", f"{head_name(network)}."
    channels = network.get_parameter(first).shape[1]
    if channels not in (1, 3):
        raise ConfigurationError(
            f"torchvision:{name}: pretrained weights take images of 1 or 3 channels, these have "
            f"{channels}: set pretrained to false"
        )
    if network.get_parameter(first).is_meta:
        return
    path = weights_file(published_weights(name).url)
    state = torch.load(path, weights_only=True, map_location="cpu")
    for key in list(state):  # in place: the mapping also carries the versions of its layers
        value = state.pop(key)
        if not key.startswith((head, *_AUXILIARY)):
            state[_DENSENET_KEY.sub(r"\1\2.", key)] = value
    if channels == 1 and first in state:
        state[first] = state[first].sum(dim=1, keepdim=True)
    try:
        missing, unexpected = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # another shape
        raise DataError(f"{path}: these weights are not those of {name}") from error
    if unexpected or not all(key.startswith(head) for key in missing):
        raise DataError(f"{path}: these weights are not those of {name}")


def weights_file(url: str) -> Path:
    """Where PyTorch keeps the file of an address; downloaded if it is not there.

    Raises:
        DataError: The file cannot be had, or is not what its name says.
    """
    import torch

    name = url.rpartition("/")[2]
    path = Path(torch.hub.get_dir(), "checkpoints", name)
    digits = _HASH.search(name)
    expected = digits.group(1) if digits else ""
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(url, str(path), expected or None, progress=False)
        except (OSError, RuntimeError) as error:  # no network, no room, or another content
            reason = getattr(error, "reason", error)
            raise DataError(f"no pretrained weights ({reason}): put {url} at {path}") from error
    if not _sha256(path, path.stat().st_mtime_ns).startswith(expected):
        raise DataError(f"{path}: damaged, its SHA-256 does not begin with {expected}: delete it")
    return path


@cache
def _sha256(path: Path, _modified_ns: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
