"""The page of the experiment file: the fields of `Experiment`, and what a space may hold."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from ...benchmarks.comparison.example import EXAMPLE
from ...benchmarks.comparison.experiment import Experiment
from ...models.data.registry import DATASETS, SCHEMES
from ...models.metric import METRICS
from ...models.networks.registry import default_space
from ...models.settings import TrainingSettings, range_of
from .markdown import GENERATED, code, table

HEAD = f"""{GENERATED}
# The experiment file

Every field of the YAML file that `perjoule compare FILE` and `perjoule tune FILE` read: its type,
its default, what it means, and an example. `perjoule init` writes [a commented one](#template).

Every field may be left out. Each is an option of `perjoule compare` too, with `-` for `_`
(`--train-limit 5000`), and an argument of [`perjoule.compare`](api.md#perjoule.compare); options
count before the file. A field that is not known is refused, with the nearest name.
"""
GROUPS = {
    "What is trained": (
        "dataset",
        "train_limit",
        "split_seed",
        "architecture",
        "objective",
        "space",
    ),
    "What is sought": ("metric", "stop_early", "warm_start"),
    "What is compared, and for how many joules": ("strategies", "budget_j", "trials", "seeds"),
    "How": ("fidelity", "parallel_trials", "fuse", "workers", "device", "meter", "carbon"),
}
"""All fields, by what they are about."""
TYPES = {
    "strategies": "names, in a list or joined by commas",
    "budget_j": "energy: J, kJ, MJ, Wh, kWh …, or `unlimited`",
    "space": "a mapping, or a YAML file",
    "metric": "a name, or a mapping",
    "warm_start": "paths, in a list or joined by commas",
}
"""What is written in the file for types that say less."""
MORE = {
    "dataset": "[data sets](#datasets), [your own](../how-to/own-data.md)",
    "objective": "[your own training loop](../how-to/own-loop.md)",
    "space": "[the search space](#search-space)",
    "metric": "[metrics](#metrics)",
    "strategies": "[strategies](strategies.md)",
    "meter": "[energy sources](sources.md)",
}
"""Where a field is told of at length."""
SPACE = """## The search space { #search-space }

`space:` names hyperparameters, each as

| written | means |
| --- | --- |
| `[sgd, adam]` | a choice of these |
| `{low: 8, high: 64}` | a range, of whole numbers if both ends are |
| `{low: 1.0e-4, high: 0.1, log: true}` | a range on a logarithmic scale |
| `{low: 0, high: 1, step: 0.25}` | a range in steps |
| `64` | fixed |
| `{low: 0.1, high: 0.99, when: {optimizer: sgd}}` | counts only there; elsewhere null, never 0 |
| `{value: 0.999, when: {optimizer: [adam, adamw]}}` | fixed, and counts only there |

One that would reach neither network nor training is refused: it would be searched in vain. Without
`space:` a network has its own. That of `cnn` on the digits is
"""


def page() -> str:
    """Return the page."""
    meanings = attributes(Experiment)
    parts = [HEAD]
    for title, names in GROUPS.items():
        parts += [f"## {title}\n", *(_field(name, meanings[name]) for name in names)]
    cnn = yaml.safe_dump(default_space("cnn", "digits"), sort_keys=False, default_flow_style=None)
    parts += [SPACE, f"```yaml\n{cnn}```\n", *_hyperparameters(), *_named()]
    parts += ["## What `perjoule init` writes { #template }\n", f"```yaml\n{EXAMPLE}```\n"]
    return "\n".join(parts)


def attributes(described: type) -> dict[str, str]:
    """What the docstring of a class says of its attributes."""
    text = (described.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    entries = re.split(r"^ {8}(?=\w+: )", text, flags=re.MULTILINE)
    named = (" ".join(each.split()).partition(": ") for each in entries if each.strip())
    return {name: meaning.replace("``", "`") for name, _, meaning in named}


def _field(name: str, meaning: str) -> str:
    info = Experiment.model_fields[name]
    written = info.alias or name
    default = _default(info)
    head = f"*{TYPES.get(name) or _type(info)}; {default}*"
    more = f" See {MORE[name]}." if name in MORE else ""
    example = yaml.safe_dump({written: (info.examples or [None])[0]}, sort_keys=False)
    return f"### {code(written)}\n\n{head}\n\n{meaning}{more}\n\n```yaml\n{example}```\n"


def _default(info: FieldInfo) -> str:
    if info.default is None:
        return "optional"
    if info.default == []:
        return "optional"
    told = ", ".join(info.default) if isinstance(info.default, list) else info.default
    return f"{code(str(told))} if not given"


def _type(info: FieldInfo) -> str:
    kinds = [
        kind for kind in get_args(info.annotation) or (info.annotation,) if kind is not type(None)
    ]
    if get_origin(info.annotation) is Literal:
        return " or ".join(code(str(each)) for each in kinds)
    [kind] = kinds
    least = next((m.ge for m in info.metadata if getattr(m, "ge", None) is not None), None)
    most = next((m.le for m in info.metadata if getattr(m, "le", None) is not None), None)
    bounds = "" if least is None else f" from {least}" + ("" if most is None else f" to {most:,}")
    return {str: "text", int: "whole number", float: "number above 0"}[kind] + bounds


def _hyperparameters() -> list[str]:
    meanings = attributes(TrainingSettings)
    rows = [
        [code(each.name), code(str(_plain(each.default))), range_of(each.name), meanings[each.name]]
        for each in fields(TrainingSettings)
    ]
    return [
        "### Hyperparameters of the training { #training }\n",
        table(["name", "default", "may be", "meaning"], rows),
    ]


def _plain(value: Any) -> Any:
    return "by the optimizer" if value is None else str(value).lower() if value is False else value


def _named() -> list[str]:
    data = [[code(each.name), each.summary] for each in DATASETS.values()]
    data += [[code(each.form), each.summary] for each in SCHEMES.values()]
    data += [["`module:function`", "your own: arrays, tensors or a torch `Dataset`"]]
    data += [["`A+B`", "two of these for one trunk with two heads"]]
    metrics = [
        [code(each.name), f"{each.direction}d".replace("zed", "sed"), _bounds(each.low, each.high)]
        for each in METRICS.values()
    ]
    return [
        "## Data sets { #datasets }\n",
        table(["`dataset:`", "what"], data),
        "## Metrics { #metrics }\n",
        table(["`metric:`", "is", "from … to"], metrics),
        "Any other is a mapping: `{name: kappa, direction: maximize, low: -1, high: 1}`; an end "
        "that is left out is not known.\n",
    ]


def _bounds(low: float | None, high: float | None) -> str:
    return " … ".join("?" if end is None else f"{end:g}" for end in (low, high))
