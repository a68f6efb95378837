"""Folders whose best network a stranger wrote. ``tuned`` in the current folder is a right one."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from random import Random
from typing import Any

import torch

from .common import Arguments, Maker, hostile

NEEDED = ("architecture", "params", "shape", "n_classes", "normalisation", "class_names")


def copy(folder: Path) -> tuple[Path, dict[str, Any]]:
    """A copy, and what its best.json says."""
    path = folder / "run"
    path.mkdir()
    for name in ("best.json", "best.pt"):
        shutil.copy(Path("tuned") / name, path)
    return path, json.loads((path / "best.json").read_text())


def junk(rng: Random) -> Any:
    return rng.choice(
        [
            *(
                None,
                True,
                3,
                -1,
                0,
                1.5,
                10**400,
                1e308,
                math.nan,
                -math.inf,
                "",
                "x",
                hostile(rng),
            ),
            *(
                [],
                {},
                [[]],
                [1, 2, 3, 4],
                [-1],
                [0],
                [10**12] * 3,
                {"a": 1},
                ["x"] * 3,
                [None],
                [1.5],
            ),
        ]
    )


def field(rng: Random, folder: Path) -> Arguments:
    """One field is something else."""
    path, best = copy(folder)
    name = rng.choice(NEEDED)
    wrong = rng.choice([value for _ in range(9) if (value := junk(rng)) != best[name]])
    if name == "params" and wrong in ({}, None):
        wrong = {"size": 99}
    (path / "best.json").write_text(json.dumps({**best, name: wrong}))
    return ["export", str(path)]


def inside(rng: Random, folder: Path) -> Arguments:
    """Something inside a field is something else."""
    path, best = copy(folder)
    where = rng.choice(["mean", "deviation", "class_names", "shape", "size", "depth", "unknown"])
    wrong = rng.choice(["x", None, {}, [], -1, 0, math.nan, 10**400, 10**15, 2.5, hostile(rng)])
    if where in ("mean", "deviation"):
        best["normalisation"][where] = [wrong] if wrong in (-1, 0, 2.5, 10**15) else [wrong] * 6
    elif where in ("class_names", "shape"):
        best[where] = [wrong, *best[where]]
    else:
        best["params"][where] = {} if wrong is None else wrong
    (path / "best.json").write_text(json.dumps(best))
    return ["export", str(path)]


def content(rng: Random, folder: Path) -> Arguments:
    """best.json is no JSON, or none of ours."""
    path, best = copy(folder)
    whole = json.dumps(best).encode()
    (path / "best.json").write_bytes(
        rng.choice(
            [
                *(b"", b"{}", b"[]", b"3", b"null", b'"x"', b"{", b"[" * 99_999, b'{"a":' * 99_999),
                whole[: rng.randrange(1, len(whole))],
                whole + b"}",
                rng.randbytes(99),
                whole.decode().encode("utf-16"),
                b"9" * 9999,
                whole.replace(b'"n_classes": 2', b'"n_classes": ' + b"9" * 5000),
                b"\xff" + whole,
            ]
        )
    )
    return ["export", str(path)]


def weights(rng: Random, folder: Path) -> Arguments:
    """best.pt is damaged, or of something else."""
    path, _ = copy(folder)
    file = path / "best.pt"
    good = torch.load(file, weights_only=True)
    first = next(iter(good))
    match rng.randrange(6):
        case 0:
            file.write_bytes(file.read_bytes()[: rng.randrange(file.stat().st_size // 2)])
        case 1:
            file.write_bytes(rng.randbytes(rng.choice((0, 1, 999))))
        case 2:
            torch.save(
                rng.choice([[1], 3, "x", None, {}, {"w": 1}, {3: torch.ones(1)}, {"f": print}]),
                file,
            )
        case 3:
            torch.save({name: each for name, each in good.items() if name != first}, file)
        case 4:
            changed = [good[first].T.clone(), good[first].double(), good[first].to_sparse()]
            changed += [
                good[first].to("meta"),
                torch.nested.nested_tensor([good[first]], layout=torch.jagged),
                None,
                "x",
            ]
            torch.save({**good, first: rng.choice(changed)}, file)
        case _:
            file.unlink()
            if rng.random() < 0.5:
                file.mkdir()
    return ["export", str(path)]


def folders(rng: Random, folder: Path) -> Arguments:
    (folder / "json").mkdir()
    (folder / "json" / "best.json").mkdir()
    names = ("empty", "none", "file", ".", "taken", "/dev/null", "x" * 300, "a\x1b[31m\n", "\x01")
    path = rng.choice((*names, str(folder / "json"), hostile(rng).replace("\x00", "")))
    return ["export", path]


def formats(rng: Random, folder: Path) -> Arguments:
    wrong = rng.choice(["onx", "", "pt", hostile(rng).replace("\x00", ""), "TorchScript"])
    if rng.random() < 0.5:
        return ["export", "tuned", f"--format={wrong or 'x'}"]
    return [
        "export",
        "tuned",
        f"--out={rng.choice(('file/x', 'none/x.pt', 'empty', '/dev/full/x'))}",
    ]


MAKERS: list[Maker] = [field, field, inside, inside, content, weights, weights, folders, formats]
