"""Fashion-MNIST, from its four files or through torchvision."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ...errors import DataError
from .idx import find_idx, read_idx
from .splits import Raw


def read_fashion_mnist(folders: Iterable[Path] | None = None, cache: Path | None = None) -> Raw:
    """Fashion-MNIST: 70,000 articles of clothing of 28x28 pixels, 10,000 of them for testing.

    Its four files, packed or not, are looked for in `folders`, by default `PERJOULE_DATA`, the
    folder of Debian's package `dataset-fashion-mnist`, and the cache. torchvision downloads into
    `cache`, by default `PERJOULE_DATA`, else `~/.cache/perjoule`.

    Raises:
        DataError: It is in none of the folders and cannot be downloaded, or a file is damaged.
    """
    own = os.environ.get("PERJOULE_DATA")
    cache = cache or Path(own or "~/.cache/perjoule").expanduser()
    if folders is None:
        prefixes = dict.fromkeys([sys.prefix, "/usr", "/usr/local"])
        folders = [
            *([cache, cache / "fashion-mnist"] if own else []),
            *(Path(prefix, "share/datasets/fashion-mnist") for prefix in prefixes),
            cache / "FashionMNIST" / "raw",
        ]
    folders = list(folders)
    folder = next((folder for folder in folders if find_idx(folder, "train-images")), None)
    if folder is None:
        folder = _download(cache, folders)

    parts = {}
    for part in ("train-images", "train-labels", "t10k-images", "t10k-labels"):
        path = find_idx(folder, part)
        if path is None:
            raise DataError(f"{folder} has no {part} file of Fashion-MNIST: fetch all four")
        parts[part] = read_idx(path, n_axes=3 if part.endswith("images") else 1)
    for part in ("train", "t10k"):
        n_images, n_labels = len(parts[f"{part}-images"]), len(parts[f"{part}-labels"])
        if n_images != n_labels:
            raise DataError(
                f"{folder}: {n_images} {part} images but {n_labels} labels: fetch the files again"
            )
    return Raw(
        inputs=np.concatenate([parts["train-images"], parts["t10k-images"]])[..., np.newaxis],
        labels=np.concatenate([parts["train-labels"], parts["t10k-labels"]]).astype(np.int64),
        n_test=len(parts["t10k-labels"]),
        source=str(folder),
    )


def _download(cache: Path, looked_in: list[Path]) -> Path:
    """Let torchvision download it, and return the folder of the files."""
    from .._torchvision import datasets

    try:
        return Path(datasets.FashionMNIST(cache, download=True).raw_folder)
    except (OSError, RuntimeError) as error:  # urllib's URLError is an OSError
        reason = str(error).strip().splitlines()[-1]
        raise DataError(
            f"fashion-mnist is in none of {', '.join(map(str, looked_in))} and cannot be "
            f"downloaded into {cache} ({reason}): install Debian's dataset-fashion-mnist, or set "
            "PERJOULE_DATA to a folder with its four files"
        ) from error
