"""Data sets."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image

from . import modules
from .common import NETWORKS, Arguments, Maker, hostile, line

HELPERS = ("returning", "rng", "X", "Y", "Rude", "vast")
FAULTS = modules.names("bad_data", HELPERS)
X, Y = np.random.default_rng(0).normal(size=(40, 6)), np.arange(40) % 2


def on(rng: Random, name: str, **changed: str) -> Arguments:
    return line(rng, NETWORKS, dataset=name.replace("\x00", "\x01"), **changed)


def named(rng: Random, folder: Path) -> Arguments:
    names = [
        "digitz",
        "DIGITS",
        "mnist-6k",
        "digits+",
        "+",
        "digits+digits",
        "+digits",
        "npz",
        "npz:",
    ]
    names += [
        "image-folder:",
        "synthetic",
        "ftp://x/y",
        "digits:",
        ":",
        "digits:x",
        "a" * 5000,
        ".",
    ]
    names += ["npz:none.npz", "npz:.", "npz:/dev/null", "npz:~nobody/x", "image-folder:none", "-1"]
    names += ["image-folder:file", "image-folder:empty", "csv:x", " digits", "npz:" + "a/" * 3000]
    return on(rng, rng.choice((*names, hostile(rng), f"npz:{hostile(rng)}", f"npz:{'y' * 300}")))


def synthetic(rng: Random, folder: Path) -> Arguments:
    texts = ["6", "6:2", "6:2:40:3", "0:2:40", "6:1:40", "6:2:7", "6:2:-40", "6.5:2:40", "6:2:4e3"]
    texts += ["8x8:2:40", "8x8x0:2:40", "8x8x1x1:2:40", "x:2:40", "6:2:40 ", "6:2:", "٦:2:40", "::"]
    texts += [
        "999999x999999x999999:2:40",
        "6:2:999999999999",
        "999999:2:9999999",
    ]
    return on(rng, f"synthetic:{rng.choice((*texts, hostile(rng)))}")


def own(rng: Random, folder: Path) -> Arguments:
    return on(rng, f"bad_data:{rng.choice(FAULTS)}")


def at_import(rng: Random, folder: Path) -> Arguments:
    return on(rng, f"bad_{rng.choice(sorted(modules.AT_IMPORT))}:load")


def limited(rng: Random, folder: Path) -> Arguments:
    return on(rng, "synthetic:6:4:400", train_limit=str(rng.choice([0, 1, 2, 3, -7])))


def joined(rng: Random, folder: Path) -> Arguments:
    names = ["synthetic:6:2:40+synthetic:7:2:40", "synthetic:6:2:40+synthetic:2x3x1:2:40"]
    names += ["synthetic:6:2:40+digits", "synthetic:6:2:40+none", "synthetic:6:2:40+bad_data:nan"]
    names += ["synthetic:6:2:40+synthetic:6:2:40", "synthetic:6:2:40++synthetic:6:2:41"]
    return on(rng, rng.choice(names))


def arrays(rng: Random) -> dict[str, Any]:
    """Arrays that are no data set."""
    images = np.zeros((40, 4, 4, 1), np.uint8)
    return rng.choice(
        [
            *(
                {},
                {"x": X},
                {"y": Y},
                {"X": X, "Y": Y},
                {"a": X, "b": Y},
                {"x": X, "y": Y, "x_test": X},
            ),
            *({"x": X, "y": Y[: rng.randrange(40)]}, {"x": X[: rng.randrange(40)], "y": Y}),
            {"x": X, "y": Y, "x_test": X[:, :5], "y_test": Y},
            {"x": X, "y": Y, "x_test": X, "y_test": Y + 1},
            {"x": X, "y": Y, "x_test": X[:3], "y_test": Y},
            {"x": np.where(np.arange(6) == rng.randrange(6), np.nan, X), "y": Y},
            {"x": X * rng.choice((np.inf, 1e19, -1e300)), "y": Y},
            {"x": X.astype(rng.choice(("U9", "S9", "complex64", "M8[s]"))), "y": Y},
            {"x": np.array([{}] * 40), "y": Y},
            {"x": X, "y": np.array([{}] * 40)},
            {"x": X, "y": rng.choice((Y + 0.5, Y * np.nan, (Y + 1) * np.inf, Y * 1j, Y - 0.25))},
            {"x": X, "y": np.zeros(40, np.int64) - 1},
            {"x": X, "y": np.arange(40)},
            {"x": X, "y": np.arange(40) // 39},
            {"x": X, "y": np.eye(2)[Y]},
            {"x": X, "y": Y.astype(rng.choice(("M8[D]", "m8[s]", "V4")))},
            {"x": np.float64(3), "y": np.int64(1)},
            {"x": X[:, 0], "y": Y},
            {"x": X.reshape(40, 1, 1, 1, 6), "y": Y},
            {"x": X[:0], "y": Y[:0]},
            {"x": X[:, :0], "y": Y},
            {"x": images.transpose(0, 3, 1, 2).repeat(3, 1).repeat(2, 3), "y": Y},
            {"x": X[: (n := rng.randint(1, 7))], "y": Y[:n]},
            {"x": X.astype([("a", "f8")]), "y": Y},
        ]
    )


def npz(rng: Random, folder: Path) -> Arguments:
    save = rng.choice((np.savez, np.savez_compressed))
    save(folder / "a.npz", **arrays(rng))
    return on(rng, f"npz:{folder / 'a.npz'}")


def header(shape: str, dtype: str = "<f8", magic: bytes = b"\x93NUMPY\x01\x00") -> bytes:
    """The start of a .npy file."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return magic + struct.pack("<H", len(text) + 1) + text + b"\n"


def damaged_npz(rng: Random, folder: Path) -> Arguments:
    """An archive whose bytes are wrong."""
    good = io.BytesIO()
    np.savez(good, x=X, y=Y)
    content, path = bytearray(good.getvalue()), folder / "a.npz"
    how = rng.randrange(5)
    if how == 0:
        content = content[: rng.randrange(len(content) - 1)]
    elif how == 1:
        content = bytearray(rng.randbytes(rng.choice((0, 1, 100, 5000))))
    elif how == 2:  # the directory at the end
        for _ in range(rng.randint(3, 30)):
            content[-rng.randint(1, 180)] = rng.randrange(256)
    elif how == 3:
        content = bytearray(b"PK\x05\x06" + b"\x00" * 18)
    else:
        heads = [header("(1000000000000, 6)"), header("(-1, 6)"), header("(40, 6"), header("40")]
        heads += [header("(40, 6)", "<f99"), header("(40, 6)", "|O"), header("(10**9,)"), b"", b"x"]
        heads += [header("(40, 6)", "<U999999999"), header("(" + "1, " * 2000 + ")")]
        heads += [
            header("(40, 6)", magic=b"\x93NUMPY\x09\x00"),
            header("((40,), 6)"),
            header("(1.5,)"),
        ]
        heads += [
            header("(40, 6)") + b"\x00" * 7,
            header("(True, 6)"),
            header("(9" + "9" * 5000 + ",)"),
        ]
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", rng.choice(heads))
            archive.writestr("y.npy", header("(40,)", "<i8") + Y.astype("<i8").tobytes())
        return on(rng, f"npz:{path}")
    path.write_bytes(content)
    return on(rng, f"npz:{path}")


def png(rng: Random, size: tuple[int, int] = (6, 6)) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, rng.randrange(256)).save(file, "png")
    return file.getvalue()


def broken_image(rng: Random, folder: Path) -> Arguments:
    """A folder of images of which one cannot be read."""
    root = image_folder(rng, folder)
    victim, whole = root / "cat" / "0.png", png(rng)
    other_size = bytearray(whole)
    other_size[rng.randint(16, 23)] ^= 0xFF
    cut = whole[: rng.randint(0, 60)]
    victim.write_bytes(rng.choice((cut, b"a picture", png(rng, (13_000, 13_000)), other_size)))
    if rng.random() < 0.2:
        victim.unlink()
        victim.symlink_to(folder / "nowhere")
    elif rng.random() < 0.2:
        Image.new("F", (5, 5)).save(victim.with_suffix(".tif"))
    elif rng.random() < 0.2:
        (root / "dog" / "\x1b[31mred\n.png").write_bytes(b"junk")
    return on(rng, f"image-folder:{root}")


def no_images(rng: Random, folder: Path) -> Arguments:
    """A folder without two classes of enough images, or with an option that there is not."""
    root = image_folder(rng, folder)
    how, option = rng.randrange(4), ""
    if how == 0:
        (root / "dog").rename(folder / "dog")
    elif how == 1:
        for each in root.rglob("*.png"):
            each.rename(each.with_suffix(".txt"))
    elif how == 2:
        for i in range(1, 5):
            (root / "cat" / f"{i}.png").unlink()
    else:
        option = rng.choice(("?size=0", "?size=9999", "?size=x", "?siez=8", "?size=", "?size=-1"))
    return on(rng, f"image-folder:{root}{option}")


def image_folder(rng: Random, folder: Path) -> Path:
    """A right folder of images."""
    root = folder / rng.choice(("images", "im ages", "bïlder", "a+b"))
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for i in range(5):
            (root / name / f"{i}.png").write_bytes(png(rng))
    return root


MAKERS: list[Maker] = [
    *(named, synthetic, own, own, own, at_import, limited, joined),
    *(npz, npz, damaged_npz, damaged_npz, broken_image, no_images),
]
