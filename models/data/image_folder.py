"""Images in folders, one for each class: `image-folder:PATH`, or `image-folder:PATH?size=64`."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...errors import ConfigurationError, DataError, OutputError
from ...files.writing import write_whole
from .checks import check_memory, tidy
from .places import data_folder, user_path
from .splits import Raw

SIZE = 32  # pixels of a side, unless the text says another
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
HELD_OUT = ("val", "valid", "validation")  # beside train and test: learnt from, and split anew
THREADS = 8  # Pillow decodes beside Python
PATIENCE_S = 2.0  # before progress is told


class _Folder(NamedTuple):
    """What there is to read."""

    path: Path
    size: int  # pixels of a side
    images: list[tuple[Path, str]]  # file and class: to train on first, then to test on
    n_test: int


def count_images(text: str) -> int:
    """The number of images, by the listing alone."""
    return len(_list(text).images)


def read_image_folder(text: str) -> Raw:
    """Images of any sizes, decoded once and kept as one tensor of bytes in the data folder.

    The largest square in the middle of each image is scaled to `size` pixels a side, 32 if the text
    does not say. They are grey if all are, else in colour. What is kept is decoded anew when a
    name, size or time of a file changes.

    A folder with the folders train and test, of the same classes, has its own test split.

    Raises:
        ConfigurationError: There is no such folder, or the text is wrong.
        DataError: There are no two classes, an image cannot be read, or memory does not hold them.
    """
    name, folder = f"image-folder:{text}", _list(text)
    check_memory(name, len(folder.images), (folder.size, folder.size, 3))
    kept = _kept_at(folder)
    pixels = _read_kept(kept, len(folder.images), folder.size)
    if pixels is None:
        with warnings.catch_warnings():  # Pillow's: what matters is why an image cannot be read
            warnings.simplefilter("ignore")
            warnings.filterwarnings(
                "error", "Image size .* exceeds limit"
            )  # small file, huge image
            pixels = _decode_all(name, folder)
        with suppress(OutputError, OSError):  # it is only faster with it
            kept.parent.mkdir(parents=True, exist_ok=True)
            for old in kept.parent.glob(f"{kept.stem.partition('-')[0]}-*.npy"):
                old.unlink(missing_ok=True)
            write_whole(kept, lambda path: _save(path, pixels))
    labels = np.array([label for _, label in folder.images])
    cut = len(labels) - folder.n_test
    arrays = [pixels[:cut], labels[:cut], pixels[cut:], labels[cut:]]
    return tidy(name, str(folder.path), arrays if folder.n_test else arrays[:2])


def _list(text: str) -> _Folder:
    """List the images of all classes."""
    name, (path, size) = f"data set 'image-folder:{text}'", _parse(text)
    if not os.path.isdir(path):  # noqa: PTH112 - never raises
        raise ConfigurationError(f"{name}: there is no such folder")
    try:
        roots = {each.name: each for each in _folders(path)}
        if "train" in roots and {*roots} <= {"train", "test", *HELD_OUT}:
            tests = list(_images(roots.pop("test"))) if "test" in roots else []
            images = [image for root in roots.values() for image in _images(root)]
        else:
            images, tests = list(_images(path)), []
    except OSError as error:
        raise DataError(f"{name} cannot be listed ({error}): mend its permissions") from error
    if len({label for _, label in images}) < 2:
        raise DataError(
            f"{name}: {path} has no two folders with images in them ({' '.join(SUFFIXES)}):"
            " put the images of each class into a folder of its name"
        )
    return _Folder(path, size, images + tests, len(tests))


def _parse(text: str) -> tuple[Path, int]:
    """Path and size of the text behind the scheme."""
    path, mark, option = text.rpartition("?")
    if not mark or "=" not in option:
        return user_path(text), SIZE
    key, _, value = option.partition("=")
    if key != "size" or not (value.isascii() and value.isdigit()) or not 1 <= int(value) <= 4096:
        raise ConfigurationError(
            f"data set 'image-folder:{text}': its option {option!r} is not size=N with N from 1 to "
            "4096 pixels"
        )
    return user_path(path), int(value)


def _folders(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if each.is_dir() and each.name[0] != ".")


def _images(root: Path) -> Iterator[tuple[Path, str]]:
    """The images of each class, those in folders of its folder included, in order of names."""
    for folder in _folders(root):
        for inside, folders, files in os.walk(folder, onerror=_raise):
            folders[:] = sorted(each for each in folders if each[0] != ".")
            for file in sorted(files):
                path = Path(inside, file)
                if path.suffix.lower() in SUFFIXES and file[0] != ".":
                    yield path, folder.name


def _raise(error: OSError) -> None:
    raise error


def _kept_at(folder: _Folder) -> Path:
    """The file that keeps the pixels: named by the folder, then by all that they depend on."""
    from PIL import __version__

    where = blake2b(f"{folder.path.resolve()}?{folder.size}".encode(), digest_size=8)
    digest = blake2b(__version__.encode(), digest_size=8)
    for path, _ in folder.images:
        line: tuple[Any, ...] = (str(path.relative_to(folder.path)),)
        with suppress(OSError):  # a link to nowhere: decoding will tell
            facts = path.stat()
            line += (facts.st_size, facts.st_mtime_ns)
        digest.update(repr(line).encode())
    stem = f"{where.hexdigest()}-{digest.hexdigest()}"
    return data_folder() / "image-folders" / f"{stem}.npy"


def _read_kept(path: Path, n_images: int, size: int) -> np.ndarray | None:
    """The pixels of a file that was kept, or None."""
    try:
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = pixels.dtype == np.uint8 and pixels.shape[:-1] == (n_images, size, size)
    return np.array(pixels) if fits else None


def _save(path: Path, pixels: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, pixels, allow_pickle=False)


def _decode_all(name: str, folder: _Folder) -> np.ndarray:
    """Decode all images side by side; grey ones keep one channel."""
    n_images, size = len(folder.images), folder.size
    pixels = np.empty((n_images, size, size, 3), np.uint8)
    wrong: list[tuple[Path, str]] = []
    grey = True
    pool = ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1))
    try:
        decoded = pool.map(lambda image: _decode(image[0], size), folder.images)
        for i, image in enumerate(_told(decoded, n_images, f"decoding {folder.path}")):
            if isinstance(image, str):
                wrong.append((folder.images[i][0], image))
                continue
            pixels[i] = image
            grey = grey and bool((image == image[..., :1]).all())
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt waits for none of the rest
    if wrong:
        path, reason = wrong[0]
        raise DataError(
            f"{name}: {len(wrong):,} of {n_images:,} images cannot be read, the first is "
            f"{str(path)!r} ({reason}): mend or remove them"
        )
    return np.ascontiguousarray(pixels[..., :1]) if grey else pixels


def _decode(path: Path, size: int) -> np.ndarray | str:
    """The middle of an image as bytes (size, size, 3), or why it cannot be read."""
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            file.draft("RGB", (2 * size, 2 * size))  # a JPEG need not be decoded whole
            image = ImageOps.exif_transpose(file)
            if "transparency" in image.info:
                image = image.convert("RGBA")
            if image.mode.startswith("I;16"):
                image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
            if image.mode in ("I", "F"):
                return f"pixels of mode {image.mode}, of no known range"
            fitted = ImageOps.fit(image.convert("RGB"), (size, size), Image.Resampling.BILINEAR)
            return np.asarray(fitted)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they like at broken files
        return (str(error).strip() or type(error).__name__).splitlines()[0]


def _told(items: Iterator[Any], n_items: int, what: str) -> Iterator[Any]:
    """Pass items on; tell a terminal how many there were, if they take long."""
    shown = time.monotonic() + PATIENCE_S if sys.stderr.isatty() else float("inf")
    told = False
    for i, item in enumerate(items):
        if time.monotonic() >= shown:
            print(f"\r{what}: {i:,} of {n_items:,} images", end="", file=sys.stderr, flush=True)
            shown, told = time.monotonic() + 0.5, True
        yield item
    if told:
        print("\r\033[K", end="", file=sys.stderr, flush=True)
