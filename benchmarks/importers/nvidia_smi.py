"""Traces of nvidia-smi: one trial for each file, or for each GPU in it.

::

    nvidia-smi --query-gpu=timestamp,name,power.draw --format=csv -l 1 > power.csv

Any order of fields will do, with units (``119.17 W``) or without (``--format=csv,nounits``); values
such as ``[N/A]`` are left out, and a gap that they leave is reported. GPUs are told apart by the
column ``index``, ``uuid``, ``name`` or another that names a device, whichever tells most of them
apart, and ``g.gpu`` is what it says. ``energy_j`` is the energy of the graphics card alone, by the
trapezoid rule.
"""

from __future__ import annotations

from collections.abc import Sequence

from . import Options, traces
from .writing import Notes, Trials

OPTIONS = ("trim_s", "column")


def trials(paths: Sequence[str], options: Options, notes: Notes) -> Trials:
    """The trials of the files; see ``traces.trials``."""
    return traces.trials(paths, options, notes, component="gpu", device="gpu")
