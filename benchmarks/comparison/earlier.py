"""The earlier searches that a comparison learns from, as its folder keeps them.

A folder that is gone on with learns from its own copy, whatever became of the tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...files.bounded import TABLE, read_bytes
from ...files.damage import damaged
from ...plain import is_finite_number, read_json
from ...tuners.strategy import Earlier
from ..tables.earlier_facts import EarlierFacts

Searches = tuple[tuple[Earlier, ...], ...]


def read_earlier(file: Path, facts: EarlierFacts, content: bytes | None = None) -> Searches:
    """Read what a folder keeps of earlier searches, or what it is to keep.

    Raises:
        OutputError: It is missing, or is not what the comparison began with.
    """
    try:
        content = read_bytes(file, TABLE) if content is None else content
        if sha256(content).hexdigest() != facts.fingerprint:
            raise ValueError("it is not what the comparison began with")
        return _from_json(content)
    except OSError as error:
        raise damaged(file, error.strerror or "it cannot be read") from error
    except (ValueError, DataError) as error:
        raise damaged(file, error) from error


def recorded_facts(description: Mapping[str, Any], file: Path) -> EarlierFacts | None:
    """What a folder's description says of earlier searches; None if nothing is learnt from any.

    Raises:
        OutputError: It is damaged, or lacks what the experiment names.
    """
    stated = description.get("warm_start")
    if stated is None and not description["experiment"].get("warm_start"):
        return None
    try:
        return EarlierFacts.from_dict(stated)
    except DataError as error:
        raise damaged(file, f"warm_start: {error}") from error


def to_json(searches: Searches) -> bytes:
    """The searches as JSON: of each trial its candidate, epochs, scores and joules."""
    data = [
        [
            [
                dict(trial.params),
                list(trial.scores),
                list(trial.scores.values()),
                [trial.energies_j.get(epoch) for epoch in trial.scores],
            ]
            for trial in search
        ]
        for search in searches
    ]
    return json.dumps(data, allow_nan=False).encode()


def _from_json(content: bytes) -> Searches:
    try:
        return tuple(tuple(_earlier(*trial) for trial in search) for search in read_json(content))
    except TypeError as error:
        raise ValueError("it lists no trials") from error


def _earlier(params: Any, epochs: Any, scores: Any, energies_j: Any) -> Earlier:
    if not isinstance(params, dict):
        raise ValueError(f"{str(params)[:40]} is no candidate")
    points = list(zip(epochs, scores, energies_j, strict=True))
    for epoch, score, energy_j in points:
        if not isinstance(epoch, int) or not is_finite_number(score):
            raise ValueError(f"epoch {str(epoch)[:40]} with score {str(score)[:40]}")
        if energy_j is not None and not is_finite_number(energy_j):
            raise ValueError(f"{str(energy_j)[:40]} are no joules")
    return Earlier(
        params,
        {epoch: score for epoch, score, _ in points},
        {epoch: energy_j for epoch, _, energy_j in points if energy_j is not None},
    )
