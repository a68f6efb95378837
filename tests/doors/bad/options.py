"""The other options, alone and mixed with each other."""

from __future__ import annotations

from pathlib import Path
from random import Random

from .common import NETWORKS, OWN, Arguments, Maker, hostile, line, word

WRONG = {
    "budget": ("0 J", "-5 J", "J", "5 W", "nan J", "inf J", "1e400 J", "1e-400 J", "5 J J", ""),
    "seeds": ("0", "-1", "1.5", "x", "1e3", "9" * 5000, "nan", "True", "0x10"),
    "workers": ("0", "-1", "1.5", "x", "", "9" * 5000),
    "split_seed": ("-1", "x", "1.5", "9" * 5000),
    "train_limit": ("0", "-1", "1", "x", "1.5", "inf"),
    "device": ("gpu", "cuda:99", "meta", "xla", "", "cpu cpu", "vulkan", "mkldnn", "fpga"),
    "meter": ("watt", "model:none", "model:-1", "replay:none.csv", "shelly:", "cpu_time:x", "a,b"),
    "strategies": (
        "tpee",
        ",",
        "random,",
        "random,random",
        "none:Mine",
        "random()",
        "(",
        "os:path",
    ),
    "strategy": ("tpee", "random,tpe", "none:Mine", "grid-", "all,random"),
    "architecture": ("cnnn", "torchvision:resnet19", "torchvision:", "none:build", "os:path", ":x"),
    "fidelity": ("epoch", "", "watts"),
    "carbon": ("FRX", "56", "-1 g/kWh", "nan g/kWh", "USA/XX", "1e400 g/kWh"),
    "metric": ("acuracy",),
    "stop_early": ("0", "-0.1", "nan", "inf", "x", "1e-4 J", ""),
    "warm_start": ("nowhere", "a,,b", ",", "a,a", "file", "empty"),
    "out": ("taken", "file"),
}


def wrong(rng: Random, name: str) -> str:
    value = rng.choice(WRONG[name])
    fits_all = name not in ("strategies", "strategy", "out")
    return (
        hostile(rng).replace("\x00", "")
        if not value or (fits_all and rng.random() < 0.2)
        else value
    )


def one_or_more(rng: Random, folder: Path) -> Arguments:
    names = rng.sample(sorted(WRONG), rng.choice((1, 1, 1, 2, 3)))
    given = {name: wrong(rng, name) for name in names}
    arguments = line(rng, NETWORKS)
    runs = {"compare": "strategy", "tune": "strategies"}[arguments[0]]
    of_command = {name: value for name, value in given.items() if name != runs}
    if arguments[0] == "tune":
        of_command.pop("seeds", None)
    of_command = of_command or {"budget": wrong(rng, "budget")}
    left = [each for each in arguments[1:] if each[2:].partition("=")[0] not in of_command]
    return [arguments[0], *left, *(f"--{n.replace('_', '-')}={v}" for n, v in of_command.items())]


def not_theirs(rng: Random, folder: Path) -> Arguments:
    """Options that do not go together, or that no command has."""
    arguments = line(rng, NETWORKS)
    return rng.choice(
        [
            line(rng, OWN, dataset="digits"),
            line(rng, OWN, architecture="mlp"),
            line(rng, OWN, space=""),
            ["tune", *line(rng, OWN)[1:], "--refit"],
            [*arguments, f"--{word(rng)}=3"],
            [*arguments, "--space"],
            [*arguments, "one.yaml", "two.yaml"],
            [*arguments, "--resume"],
            [*arguments, "--resume", "--out=empty"],
            [*arguments, "--seeds=2"] if arguments[0] == "tune" else [*arguments, "--refit"],
            [f"{arguments[0]}{word(rng)}", *arguments[1:]],
            line(rng, NETWORKS, dataset="synthetic:6:2:40", architecture="cnn"),
            line(rng, NETWORKS, architecture=f"bad_networks:{rng.choice(NETWORK_FAULTS)}"),
        ]
    )


NETWORK_FAULTS = (
    *("nothing", "raises", "no_module", "wrong_outputs", "untrainable", "missing", "one_argument"),
    *("quits", "coroutine", "NotBuilt", "nan", "VALUE", "mute"),
)

MAKERS: list[Maker] = [one_or_more, one_or_more, one_or_more, one_or_more, not_theirs, not_theirs]
