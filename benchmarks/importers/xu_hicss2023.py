"""The trainings of Xu, Martínez-Fernández, Martinez and Franch, HICSS 2023, as they published them.

Rows are those of ``codecarbon``, differenced; what they lack is told by the files' places:

- ``data/raw/grilla/results_summary/out_code_carbon_DATA_MODEL_N/emissions.csv`` is a training on a
  node with a wattmeter: its joules are in ``summary_….json`` beside it, the accuracy of each epoch
  in ``accuracy.txt``, the last of which counts.
- ``data/raw/kaggle/emissions_DATA_PLACE.csv`` are nine trainings in a cloud: VGG16, VGG19 and
  ResNet50, three of each in this order (``src/emissions.Rmd``). Only means of accuracies are
  published (``data/processed/scores.csv``): each training has that of its three.

The joules of a trial are CodeCarbon's, and stand once more in ``p.codecarbon_j``, as what a meter
reads; the wattmeter's are ``node_j``. Operations and parameters are the authors': keras-flops of a
batch of 32 images, told of one (``src/emissions.Rmd``), and parameters that were trained.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...files.bounded import lines, open_text, read_text, unreadable
from ...plain import read_json
from . import codecarbon
from .files import labels
from .registry import ImportOptions
from .writing import Notes, Row, Trials

EPOCHS = 50
_ARCHITECTURES = ("VGG16", "VGG19", "ResNet50")  # in the order of the rows in the cloud
_EACH = 3  # trainings of one architecture
_BATCH = 32
_NODE = re.compile(r"out_code_carbon_(CIFAR10|MNIST)_(\w+)_(\d+)")
_CLOUD = re.compile(r"emissions_(CIFAR10|MNIST)_\w+")
_FLOPS = {  # of a batch
    ("CIFAR10", "VGG16"): 21_268_268_928,
    ("CIFAR10", "VGG19"): 26_704_938_880,
    ("CIFAR10", "ResNet50"): 6_675_494_400,
    ("MNIST", "VGG16"): 46_339_966_848,
    ("MNIST", "VGG19"): 58_572_474_240,
    ("MNIST", "ResNet50"): 16_289_166_848,
}
_TRAINED = {  # parameters; those of the convolutions are frozen
    ("CIFAR10", "ResNet50"): 25_214_986,
    ("MNIST", "ResNet50"): 50_380_810,
}
_TRAINED_OF_VGG = 18_923_530


def trials(paths: Sequence[str], options: ImportOptions, notes: Notes) -> Trials:
    """The trials of the files."""
    rows = codecarbon.trials(paths, options, notes)
    places = dict(zip(labels(paths), map(Path, paths), strict=True))
    extra = {**rows.extra, "g.dataset": "text", "g.place": "text", "p.codecarbon_j": "number"}
    return Trials(_told(rows.rows, places, options, notes), extra)


def _told(
    rows: Iterator[Row], places: dict[str, Path], options: ImportOptions, notes: Notes
) -> Iterator[Row]:
    counts = dict.fromkeys(places, 0)
    for row in rows:
        label = row["g.file"]
        path, place = places[label], row.get("g.region")
        if match := _NODE.fullmatch(path.parent.name):
            dataset, architecture, seed = match[1], match[2], int(match[3])
            facts = _of_node(path)
        elif (match := _CLOUD.fullmatch(path.stem)) and counts[label] < _EACH * 3:
            dataset = match[1]
            which, seed = divmod(counts[label], _EACH)
            architecture = _ARCHITECTURES[which]
            facts = {"score": _mean_accuracy(path, dataset, architecture, place)}
            seed += 1
            notes.add("accuracies in the cloud are published as means of three trainings")
        else:
            raise DataError(
                f"{path}: is none of the files of the paper: give its data/raw/kaggle/*.csv, or "
                "its data/raw/grilla/results_summary/*/emissions.csv"
            )
        counts[label] += 1
        kind = (dataset, architecture)
        flops = _FLOPS.get(kind)
        yield {
            **row,
            "run": f"{dataset} {place} {architecture} #{seed}",
            "strategy": options.strategy or architecture,
            "seed": seed,
            "trial": 0,
            "epochs": EPOCHS,
            "flops": flops and round(flops / _BATCH),
            "n_parameters": _TRAINED.get(kind, _TRAINED_OF_VGG),
            "g.dataset": dataset,
            "g.place": place,
            "p.codecarbon_j": row["energy_j"],
            **facts,
        }


def _of_node(path: Path) -> dict[str, Any]:
    """What stands beside the rows of a training on the node; null what does not."""
    facts: dict[str, Any] = {}
    try:
        for summary in path.parent.glob("summary_*.json"):
            facts["node_j"] = float(read_json(read_text(summary))["joules"])
        accuracy = path.with_name("accuracy.txt")
        if accuracy.exists():
            first = read_text(accuracy).splitlines()[0]
            facts["score"] = float(read_json(first.partition(":")[2])[-1])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise unreadable(path.parent, error, "restore a copy") from error
    return facts


def _mean_accuracy(path: Path, dataset: str, architecture: str, place: str | None) -> float | None:
    """The mean accuracy of three trainings in the cloud; None where it is not published."""
    scores = path.parent / "../../processed/scores.csv"
    if not scores.exists():
        return None
    wanted = (dataset, architecture, place)
    try:
        with open_text(scores) as file:
            for row in csv.DictReader(lines(scores, file)):
                if (row["data"], row["architecture"], row["region"]) == wanted:
                    return float(row["accuracy"])
    except (OSError, ValueError, KeyError, csv.Error) as error:
        raise unreadable(scores, error, "restore a copy") from error
    return None
