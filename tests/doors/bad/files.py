"""Experiment files."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

from .common import CONTROL, NETWORKS, Arguments, Maker, hostile, line, no_number, text

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=True)
)
MERGED = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{l: *{before}, r: *{before}, <<: *{before}}}\n"
    for before, name in zip("abcdefghijklmnopqrstuvwxy", "bcdefghijklmnopqrstuvwxyz", strict=True)
)
TEXTS = [
    *(BOMB, BOMB + "space: *l\n", BOMB + "metric: *l\n", BOMB + "strategies: *l\n", MERGED),
    *(
        MERGED + "space: *z\n",
        "seeds: *nowhere\n",
        "a: &a [*a]\nspace: *a\n",
        "space: &s {a: *s}\n",
    ),
    *(
        "- 1\n- 2\n",
        "just words\n",
        "3\n",
        "true\n",
        "---\na: 1\n---\nb: 2\n",
        "seeds: 1\nseeds: 2\n",
    ),
    *("space:\n  size: 60\n  size: 61\n", "a: b: c\n", "\tseeds: 1\n", "seeds: 1\n budget: 2\n"),
    *("? [1, 2]\n: 3\n", "? {a: 1}\n: 3\n", "!!python/object/apply:os.system ['true']\n"),
    *("seeds: !!int x\n", "seeds: !!float 1e\n", "seeds: 2024-99-99\n", "seeds: !!binary '*'\n"),
    *(
        "seeds: !!set {1, 2}\n",
        "x: !!omap [1]\n",
        "seeds: !!timestamp x\n",
        "!<tag:x> 1\n",
        "%YAML 9\n",
    ),
    *("[" * 20_000, "{a: " * 20_000, "a:\n" + "".join(" " * i + "- \n" for i in range(2000))),
    *(f"seeds: {'9' * 5000}\n", "null: 1\n", "1: 2\n", "true: 1\n", "seeds: 1:30:99\n", "<<: 3\n"),
    *("seeds: '\\0'\n", "'budget': [1\n", "\x00", "\x1b[31m: 1\n", "budget: \x07\n", "@\n", "`\n"),
    *(
        "budget:\n",
        "strategies:\n",
        "budget: yes\n",
        "dataset: [digits]\n",
        "architecture: {a: 1}\n",
    ),
]
FIELDS = (
    *("dataset", "strategies", "budget", "budget_j", "seeds", "meter", "workers", "device"),
    *("architecture", "space", "fidelity", "split_seed", "train_limit", "carbon", "metric"),
    *("stop_early", "warm_start"),
)


# Options that would be laid over what is wrong in the file.
HIDDEN = ("--budget", "--meter", "--device", "--workers", "--seeds", "--strateg")


def texts(rng: Random, folder: Path) -> Arguments:
    (folder / "e.yaml").write_text(rng.choice(TEXTS))
    arguments = line(rng, {}, str(folder / "e.yaml"))
    return [each for each in arguments if not each.startswith(HIDDEN)]


def content(rng: Random, folder: Path) -> Arguments:
    """Bytes that are no text, or no text of an experiment."""
    file = folder / rng.choice(("e.yaml", "e.yml", "e", "é.yaml", "e\x1b[31m\n.yaml"))
    right = "dataset: digits\nseeds: 1\nbudget: 5 J\n"
    file.write_bytes(
        rng.choice(
            [
                rng.randbytes(rng.choice((1, 50, 5000))) + b"\xff",
                b"PK\x03\x04" + rng.randbytes(100) + b"\xff",
                f"{right}carbon: 'é'\n".encode("latin-1"),
                b"\xfe\xff" + right.encode("utf-16-le"),
                right.encode("utf-32"),
                right.encode() + b"\x00",
                b"\x89PNG\r\n\x1a\n",
                (right + f"{hostile(rng)}: 1\n").encode(),
                (right + f"name: {rng.choice(CONTROL)}\n").encode(),
                right.encode() + b"# \xe9\n",
            ]
        )
    )
    return line(rng, {}, str(file))


def fields(rng: Random, folder: Path) -> Arguments:
    """Fields of wrong types and unknown ones, beside right ones."""
    name, given = rng.choice(FIELDS), dict(NETWORKS)
    junk: list[Any] = [-1, 1.5, math.nan, "", [], {}, [None], {"a": []}, [[1]], no_number(rng)]
    value = (
        rng.choice(junk) if rng.random() < 0.9 or name in ("split_seed", "train_limit") else 10**400
    )
    experiment: dict[Any, Any] = {**given, "seeds": 1, "strategies": ["random"], name: value}
    optional = ("space", "metric", "strategies", "carbon", "train_limit", "warm_start")
    if name in optional and not value:
        experiment[name] = [3]
    if name in ("budget", "budget_j"):
        experiment[name] = rng.choice([0, -1, math.nan, math.inf, [], {}, "x", True, None, 10**400])
    if rng.random() < 0.3:
        experiment = {**given, rng.choice([hostile(rng), "sedes", 3, None, True, math.nan]): value}
    (folder / "e.yaml").write_text(text(experiment))
    arguments = line(rng, {}, str(folder / "e.yaml"))
    return [each for each in arguments if not each.startswith(HIDDEN)]


def not_there(rng: Random, folder: Path) -> Arguments:
    path = rng.choice(
        ("none.yaml", ".", "empty", "/dev/null/x", f"{'x' * 300}.yaml", "a\x1b\n.yaml")
    )
    if rng.random() < 0.5:
        return line(rng, NETWORKS, space=path if path.endswith("yaml") else "none.yml")
    return line(rng, NETWORKS, path)


def several(rng: Random, folder: Path) -> Arguments:
    """A search of several strategies, of which none is chosen."""
    (folder / "e.yaml").write_text(text({"strategies": rng.choice([["random", "tpe"], "all"])}))
    return ["tune", str(folder / "e.yaml"), "--budget=1e-9 J", "--out=new", "--meter=model"]


MAKERS: list[Maker] = [
    texts,
    texts,
    texts,
    content,
    content,
    fields,
    fields,
    fields,
    not_there,
    several,
]
