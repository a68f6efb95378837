"""Traces of nvidia-smi: one trial for each file, or for each GPU in it.

::

    nvidia-smi --query-gpu=timestamp,name,power.draw --format=csv -l 1 > power.csv

Any order of fields will do, with units (``119.17 W``) or without (``--format=csv,nounits``).
Values such as ``[N/A]`` are left out, and a gap that they leave is reported; a GPU without any is a
trial of unknown joules. GPUs are told apart by the column that tells most of them apart:
``index``, ``uuid``, ``name`` or another that names a device. ``g.gpu`` is what it says.
``energy_j`` is the energy of the graphics card alone, by the trapezoid rule.
"""

from __future__ import annotations

from functools import partial

from . import traces

trials = partial(traces.trials, component="gpu", device="gpu")
