"""Data sets of one input shape joined into one, for two heads on one trunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np

from ...errors import DataError
from .splits import Raw


def join(
    raws: Mapping[str, Raw], drawn: Sequence[list[np.ndarray]]
) -> tuple[Raw, list[np.ndarray], tuple[int, ...]]:
    """Join data sets: samples and labels of each come after those of the ones before.

    Args:
        raws: The data sets, by their names.
        drawn: The indices of the three splits of each.

    Returns:
        The joined data set, the indices of its splits, and the number of classes of each.

    Raises:
        DataError: Their inputs differ in shape or type.
    """
    kinds = {name: f"{raw.inputs.dtype} {raw.inputs.shape[1:]}" for name, raw in raws.items()}
    if len(set(kinds.values())) > 1:
        told = " but ".join(f"{name} has inputs of {kind}" for name, kind in kinds.items())
        raise DataError(f"{told}: only data sets of one shape and type can be joined")
    tasks = tuple(int(raw.labels.max()) + 1 for raw in raws.values())
    first_labels = accumulate(tasks, initial=0)
    starts = list(accumulate((len(raw.labels) for raw in raws.values()), initial=0))
    joined = Raw(
        inputs=np.concatenate([raw.inputs for raw in raws.values()]),
        labels=np.concatenate(
            [raw.labels + first for raw, first in zip(raws.values(), first_labels, strict=False)]
        ),
        n_test=0,
        source=" + ".join(raw.source for raw in raws.values()),
        class_names=tuple(
            f"{name} {each}"
            for (name, raw), n_classes in zip(raws.items(), tasks, strict=True)
            for each in raw.class_names or range(n_classes)
        ),
    )
    parts = [
        np.concatenate([part + start for part, start in zip(pieces, starts, strict=False)])
        for pieces in zip(*drawn, strict=True)
    ]
    return joined, parts, tasks
