"""DEHB: Hyperband whose candidates differential evolution breeds.

It works on points of the unit cube, as it does without a `ConfigSpace` of its own: 0.1.2 calls
functions that ConfigSpace 1 took away. Its rungs lie at fractions of epochs, which are rounded.
"""

from __future__ import annotations

import tempfile
from typing import Any

from perjoule.models.space import Space
from perjoule.tuners.parts.encoding import Encoding
from perjoule.tuners.strategy import Task, Told

from .axes import error_of
from .trials import Rung, Rungs


def make_dehb(space: Space, seed: int, task: Task) -> Rungs:
    """DEHB as it comes, from 1 epoch to the most; what it promotes goes on."""
    from dehb import DEHB  # type: ignore[import-not-found]

    longest = space.longest()
    encoding = Encoding(space.with_fixed("epochs", longest))
    folder = tempfile.TemporaryDirectory(prefix="dehb-")
    search = DEHB(
        dimensions=encoding.n_dimensions,
        min_fidelity=1,
        max_fidelity=longest,
        seed=seed,
        n_workers=1,
        save_freq=None,
        output_path=folder.name,
    )

    def suggest() -> Rung:
        job = search.ask()
        params = encoding.decode(job["config"])
        return Rung((job, folder), params, job["fidelity"], job["config_id"])

    def report(handle: Any, result: Told) -> None:
        found = {"fitness": error_of(result), "cost": result.energy_j or 0.0}
        search.tell(handle[0], found)

    return Rungs(space, suggest, report)
