"""Tables and figures of the energy model's study."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from ....models.networks.mlp_energy import RAM, terms
from ..facts import Axis, Exhibit, Heat, Mark, Plot, Quantity, Series, Sheet
from .cells import LOSS, WITHIN, Fits, Network

if TYPE_CHECKING:
    import pandas as pd

    from ...tables.table import Table

_JOULES = "Energy per sample"
LOSSES = (0.5, 0.2)
"""Validation losses in nats; a network that always says the same has 2.3 with ten classes."""
_SMALL, _LARGE = 2**12, 2**20  # parameters


def exhibits(
    table: Table, found: Sequence[Network], fits: Fits | None, caches: Mapping[str, int]
) -> tuple[Exhibit, ...]:
    """All that there is to show, in the order of the page."""
    shown: list[Exhibit] = []
    if found:
        shown.append(_by_working_set(found, caches))
    if fits is not None:
        shown += [_held_out(fits), _models(fits), _coefficients(fits)]
    reached = _joules_to_loss(table)
    if reached is not None:
        shown += [heat for loss in LOSSES if (heat := _isolines(reached, loss)) is not None]
    return tuple(shown)


def _by_working_set(found: Sequence[Network], caches: Mapping[str, int]) -> Plot:
    batch = max(each.batch for each in found)
    series = []
    for depth in sorted({each.depth for each in found}):
        own = [each for each in found if each.depth == depth and each.batch == batch]
        own.sort(key=lambda each: each.working_set)
        series.append(
            Series(
                f"depth {depth}",
                tuple(float(each.working_set) for each in own),
                tuple(each.joule for each in own),
                texts=tuple(each.name for each in own),
                style="dots",
            )
        )
    return Plot(
        "working-sets",
        "Energy per sample by working set",
        "If energy follows working sets, the points of all depths lie on one curve, which steepens "
        "where weights, gradients and activations no longer fit in a cache. Lines are cache sizes.",
        Axis("Working set of a training step", "B", log=True),
        Axis(_JOULES, "J", log=True),
        tuple(series),
        marks=tuple(Mark(name, float(size)) for name, size in caches.items()),
        notes=(f"Batches of {batch} samples.",),
    )


def _held_out(fits: Fits) -> Plot:
    series = []
    pairs = list(zip(fits.held, fits.memory.predicted, strict=True))
    for profile in sorted({each.profile for each in fits.held}):
        own = [(each, predicted) for each, predicted in pairs if each.profile == profile]
        series.append(
            Series(
                profile,
                tuple(each.joule for each, _ in own),
                tuple(predicted for _, predicted in own),
                texts=tuple(each.name for each, _ in own),
                style="dots",
            )
        )
    ends = (min(fits.memory.measured), max(fits.memory.measured))
    series.append(Series("predicted = measured", ends, ends, style="line"))
    return Plot(
        "held-out",
        "Predicted and measured energy of shapes that the model has not seen",
        f"The closer to the line, the better; {fits.memory.within:.0%} of the networks lie within "
        f"{WITHIN:.0%} of it.",
        Axis(f"Measured: {_JOULES.lower()}", "J", log=True),
        Axis(f"Predicted: {_JOULES.lower()}", "J", log=True),
        tuple(series),
    )


def _models(fits: Fits) -> Sheet:
    rows = tuple(
        (
            each.name,
            Quantity(each.error, unit="%"),
            Quantity(float(np.median(each.ratios))),
            Quantity(each.within, unit="%"),
            Quantity(float(np.abs(each.ratios - 1).max()), unit="%"),
        )
        for each in fits.all
    )
    return Sheet(
        "models",
        "What explains the energy of a sample",
        f"All models were fitted to the same {len(fits.fitted)} networks in the same way, and are "
        f"judged by {len(fits.held)} networks of other shapes, by the medians over repetitions.",
        (
            "Model of",
            "Mean relative error",
            "Median of predicted over measured",
            f"Within {WITHIN:.0%}",
            "Largest error",
        ),
        rows,
    )


def _meaning(term: str) -> str:
    told = {
        "operation": "a multiply-add of the forward or backward pass, or of the update",
        "step": "a step of training by itself, whatever the network (ours)",
        "layer": "a layer in a step by itself, whatever its width (ours)",
        RAM: "a byte served by the memory",
    }
    return told.get(term, f"a byte served by the {term} cache")


def _coefficients(fits: Fits) -> Sheet:
    names, found = terms(fits.caches), (*fits.fitted, *fits.held)

    def share(place: int, among: Callable[[Network], bool]) -> Quantity | None:
        shares = [fits.shares(each)[place] for each in found if among(each)]
        return Quantity(float(np.mean(shares)), unit="%") if shares else None

    rows = tuple(
        (
            f"per {'byte of ' if name in (*fits.caches, RAM) else ''}{name}",
            Quantity(float(each)),
            _meaning(name),
            share(place, lambda each: each.size <= _SMALL),
            share(place, lambda each: each.size >= _LARGE),
        )
        for place, (name, each) in enumerate(zip(names, fits.memory.coefficients, strict=True))
    )
    return Sheet(
        "coefficients",
        "What the model charges",
        "No coefficient can be negative; one of zero means that other terms explain what it would. "
        "Shares are means over networks of what the model predicts.",
        (
            "Term",
            "Joules",
            "What it is",
            f"Share up to {_SMALL:,} parameters",
            f"Share from {_LARGE:,} parameters",
        ),
        rows,
    )


def _joules_to_loss(table: Table) -> pd.DataFrame | None:
    """Of each trial of the second part and each loss the joules at which it is first reached."""
    import pandas as pd

    trials, curves = table.trials, table.curves
    needed = ("g.part", "p.size", "p.depth")
    if curves is None or any(name not in trials for name in needed):
        return None
    own = trials[trials["g.part"] == LOSS]
    rows = []
    for _, trial in own.iterrows():
        mine = curves[(curves["run"] == trial["run"]) & (curves["trial"] == trial["trial"])]
        mine = mine.sort_values("epoch")
        for loss in LOSSES:
            hit = mine[mine["loss"] <= loss]["energy_j"]
            energy_j = float(hit.iloc[0]) if len(hit) and pd.notna(hit.iloc[0]) else None
            rows.append((int(trial["p.size"]), int(trial["p.depth"]), loss, energy_j))
    return pd.DataFrame(rows, columns=["size", "depth", "loss", "energy_j"]) if rows else None


def _isolines(reached: pd.DataFrame, loss: float) -> Heat | None:
    """Joules to a loss by size and depth; None if no network reaches it."""
    own = reached[reached["loss"] == loss]
    if not own["energy_j"].notna().any():
        return None
    sizes, depths = sorted(own["size"].unique()), sorted(own["depth"].unique())
    values, texts = [], []
    for depth in depths:
        line, told = [], []
        for size in sizes:
            cell = own[(own["depth"] == depth) & (own["size"] == size)]["energy_j"]
            known = cell.dropna()
            # The median counts trials that never reach the loss as dearer than all others.
            hit = len(known) > len(cell) / 2
            line.append(
                median([*known, *[float("inf")] * (len(cell) - len(known))]) if hit else None
            )
            told.append("" if hit else f"{len(known)} of {len(cell)} reach it" if len(cell) else "")
        values.append(line)
        texts.append(told)
    flat = [each for line in values for each in line if each is not None]
    if not flat:
        return None
    least = min(flat)
    shares = tuple(tuple(None if e is None else e / least for e in line) for line in values)
    cells = tuple(
        tuple(
            text if share is None else f"{share:.2f}"
            for text, share in zip(told, line, strict=True)
        )
        for told, line in zip(texts, shares, strict=True)
    )
    n_censored = sum(each is None for line in shares for each in line)
    return Heat(
        f"isolines-{loss:g}",
        f"Energy to a validation loss of {loss:g}",
        f"Times the energy of the cheapest network that reaches it; the dearest takes "
        f"{max(flat) / least:.1f} times as much. Lines join networks of equal energy.",
        Axis("Parameters", labels=tuple(f"{size:,}" for size in sizes)),
        Axis("Depth", labels=tuple(str(depth) for depth in depths)),
        shares,
        cells,
        log=True,
        contours=True,
        notes=(
            "Joules of the whole trial up to the epoch that first reaches the loss, validation and "
            "building included; the median over repetitions.",
            f"Networks that do not reach it in most repetitions: {n_censored}.",
        ),
    )
