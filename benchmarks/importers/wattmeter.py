"""Traces of a wattmeter at the wall: one trial for each file, or for each meter in it.

A CSV file with times and watts, of any names and units that ``energy.sources.recorded`` reads:
``time_s,power_w``, ``timestamp,P [W]``, ``timestamp,draw`` with values such as ``0.12 kW``. A
counter of joules or watt-hours is not integrated but read off. ``energy_j`` is the energy of the
whole machine, idle power included.
"""

from __future__ import annotations

from functools import partial

from . import traces

trials = partial(traces.trials, component="node", device="meter")
