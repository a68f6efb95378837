"""The best network of a search: ``best.json``, ``best.pt``, and how they become a predictor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import ConfigurationError, DataError, OutputError
from ...files import bounded
from ...files.writing import remove, write_whole
from ...models.data.registry import DATASETS
from ...models.described import Described
from ...plain import read_json
from ..tables.facts import Fact
from .experiment import Experiment
from .folder import Folder
from .trust import is_marked

if TYPE_CHECKING:
    from ...models.predictor import Predictor

BEST, WEIGHTS = "best.json", "best.pt"
_OF_DATA = ("shape", "n_classes", "tasks", "normalisation", "class_names")


@dataclass(frozen=True)
class _Stated(Described, Fact):
    """A description that anybody may have written."""


def write_best(folder: Path, summary: Mapping[str, Any]) -> None:
    """Write the best candidate of a search of one run, and its weights.

    The weights are those of the refit, where there was one; of an own objective, the state that it
    saved, if it saved any.
    """
    [run], data, experiment = summary["runs"], summary["data"], summary["experiment"]
    if run["incumbent"] is None:
        return
    from ...models.checkpoint import save_state

    kept, refit = Folder(folder), summary["refit"]
    if refit is not None and refit["state"] == "complete":
        source = kept.refit_weights
    else:
        source, refit = kept.weights(run["run"], run["incumbent"]["trial"]), None
    own = experiment.get("objective")
    if not source.exists() and own is None:
        return  # somebody removed the weights; best.pt stays as it is
    best = {
        **run["incumbent"],
        "strategy": run["strategy"],
        **{name: experiment.get(name) for name in ("objective", "dataset", "architecture")},
        **{name: data.get(name) for name in _OF_DATA},
        "precision": summary["runtime"].get("autocast") if own is None else None,
        "spent_j": run["spent_j"],
        "refit": refit,
        "weights": WEIGHTS if source.exists() else None,
    }
    if source.exists():
        weights = save_state(_state_in(source, own is None))
        write_whole(folder / WEIGHTS, lambda part: part.write_bytes(weights))
    else:
        remove(folder / WEIGHTS)  # of another score
    text = json.dumps(best, indent=2, allow_nan=False)
    write_whole(folder / BEST, lambda part: part.write_text(text, encoding="utf-8"))


def _state_in(file: Path, of_network: bool) -> Any:
    """The state that a file of weights holds: a network's, or whatever an own objective saved."""
    from ...models.checkpoint import load_checkpoint

    try:
        content = bounded.read_bytes(file, bounded.WEIGHTS)
    except OSError as error:
        raise bounded.unreadable(file, error, "restore a copy") from error
    try:
        state = load_checkpoint(content)["state"]
        return state["network"] if of_network else state
    except Exception as error:  # of PyTorch's reader, or the file holds something else
        raise OutputError(f"{file}: damaged: it holds no weights; restore a copy") from error


def load_predictor(
    path: Path, *, trust: bool = False, device: str | None = "cpu", precision: str | None = None
) -> Predictor:
    """Build the predictor that a folder describes; the rest is as in `make_predictor`.

    Raises:
        OutputError: There is no best network, or its files are damaged.
        ConfigurationError: As in `make_predictor`.
    """
    from ...models.predictor import make_predictor

    file, stated = path / BEST, _read_json(path)
    if stated.get("objective") is not None:
        raise ConfigurationError(
            f"{file}: its objective is somebody's own, and so is the network: build it, and load "
            f"what the objective saved by torch.load({WEIGHTS!r})"
        )
    trust = trust or _is_own(path, stated)
    if stated.get("normalisation") is None:
        stated |= _recovered(path)
    known = {name: value for name, value in stated.items() if value is not None}
    try:
        described = _Stated.from_dict(known)
        return make_predictor(
            described,
            _read_weights(path / WEIGHTS),
            trust=trust,
            device=device,
            precision=precision,
        )
    except DataError as error:
        raise OutputError(f"{file}: {error}") from error


def _is_own(path: Path, stated: Mapping[str, Any]) -> bool:
    """Whether this user's own search in the folder was of the architecture that is stated."""
    try:
        description = Folder(path).description()
    except OutputError:
        return False
    experiment = description["experiment"]
    same = experiment.get("architecture") == stated.get("architecture")
    return same and is_marked(experiment, description.get("mark"))


def _read_json(path: Path) -> dict[str, Any]:
    file = path / BEST
    try:
        stated = read_json(bounded.read_text(file, bounded.STATISTICS))
    except OSError as error:
        raise OutputError(
            f"{path} holds no best network: run `perjoule tune` first, and name its folder"
        ) from error
    except ValueError as error:
        raise OutputError(f"{file}: damaged; make it again: perjoule report {path}") from error
    if not isinstance(stated, dict):
        raise OutputError(f"{file}: damaged; make it again: perjoule report {path}")
    return stated


def _read_weights(file: Path) -> dict[str, Any]:
    from ...models.checkpoint import load_tensors

    try:
        content = bounded.read_bytes(file, bounded.WEIGHTS)
    except OSError as error:
        raise OutputError(f"{file}: cannot be read ({error.strerror or error})") from error
    try:
        weights = load_tensors(content)
    except Exception as error:  # bytes of anybody's end in errors of every kind
        raise OutputError(f"{file}: damaged, or more than weights; restore a copy") from error
    if not isinstance(weights, dict) or not all(map(_has_values, weights.values())):
        raise OutputError(f"{file}: holds no weights; restore a copy")
    return weights


def _has_values(weight: Any) -> bool:
    """Whether a weight is no tensor without values, or with some of them alone."""
    import torch

    if not isinstance(weight, torch.Tensor):
        return True
    return weight.layout is torch.strided and not (weight.is_meta or weight.is_nested)


def _recovered(path: Path) -> dict[str, Any]:
    """Statistics and class names from the data set itself, where an earlier version wrote none."""
    import torch

    from .instruments import load_data

    description = Folder(path).description()
    experiment = Experiment(**description["experiment"])
    if experiment.dataset not in DATASETS:
        raise OutputError(
            f"{path / BEST} does not say how its inputs were normalised: tune again with this "
            "version of perjoule"
        )
    data = load_data(experiment, torch.device("cpu"))
    if data.fingerprint != description["data"].get("fingerprint"):
        raise ConfigurationError(
            f"{path / BEST} does not say how its inputs were normalised, and {experiment.dataset} "
            "here is not the data it was trained on: tune again with this version of perjoule"
        )
    found = {"mean": data.normalisation.mean, "deviation": data.normalisation.deviation}
    return {"normalisation": found, "class_names": data.class_names}
