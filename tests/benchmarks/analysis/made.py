"""Analyses of small tables."""

import pandas as pd

from perjoule import load_table

from ..samples import run_of


def runs_of(name, *runs, **columns) -> pd.DataFrame:
    """Runs of a strategy, each a list of (energy_j, accuracy)."""
    return pd.concat(
        [run_of(*trials, run=f"{name}-{i}", strategy=name) for i, trials in enumerate(runs)]
    ).assign(**columns)


def analysed(*strategies: pd.DataFrame, by=(), target="98%"):
    frame = pd.concat(strategies, ignore_index=True)
    return load_table(frame.drop(columns="seed"), by=by).compare(target=target)


def group_of(*strategies: pd.DataFrame, target="98%"):
    """The facts of the only group."""
    (group,) = analysed(*strategies, target=target).groups
    return group
