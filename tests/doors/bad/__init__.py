"""Inputs that cannot be used, drawn from a seed: what the command line must refuse in one line.

A kind is a list of makers. A maker takes a generator of random numbers and an empty folder, into
which it may write, and returns the arguments of a command line.
"""

from . import best, data, files, metrics, objectives, options, spaces

KINDS = {
    "data": data.MAKERS,
    "space": spaces.MAKERS,
    "metric": metrics.MAKERS,
    "objective": objectives.MAKERS,
    "file": files.MAKERS,
    "option": options.MAKERS,
    "best": best.MAKERS,
}
