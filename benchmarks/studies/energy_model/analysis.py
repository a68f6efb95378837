"""What the energy model's study claims, of its trial table alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ....energy.quantities import format_percent
from ...statistics.inference import interval
from ...statistics.ratios import ratio_of_means
from ..comparing import caveats, paired_ratio, quantity, shown_above, shown_below
from ..facts import Claim, Findings, Quantity
from .cells import (
    ENERGY,
    PRECISION,
    WITHIN,
    Fit,
    Fits,
    Network,
    caches_of,
    dearest_smaller,
    fit,
    networks,
    per_sample,
)
from .exhibits import exhibits

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ...tables.table import Table

_MOST_SMALL, _LEAST_LARGE = 2.0, 8.0
_MEDIAN = (0.9, 1.1)
_NEAR = 0.8
_IDLE = 0.5  # for idling to be most of the power, as it is in the paper
_NO_ERROR = 1e-12  # is taken for one, so that ratios of errors are defined
_NO_TRIALS = "there are no finished trials with a known energy of training and number of samples"
_NO_PAIR = "no network has at most half of the parameters and operations of another"
_NO_FIT = "there are too few networks to fit a model to some shapes and to test it on others"


def analyse(table: Table) -> Findings:
    """Name the claims of a trial table, with the tables and figures behind them."""
    trials = per_sample(table)
    found, caches = networks(trials), caches_of(table)
    fits = fit(found, caches)
    claims = (
        _growth(
            trials,
            (2**8, 2**12),
            lambda ratio: ratio < _MOST_SMALL,
            "Small networks cost about the same: from 2^8 to 2^12 parameters, 16 times as many, "
            "the energy per sample less than doubles.",
            fits,
        ),
        _growth(
            trials,
            (2**20, 2**24),
            lambda ratio: ratio > _LEAST_LARGE,
            "Large networks cost by their size: from 2^20 to 2^24 parameters, 16 times as many, "
            "the energy per sample grows more than eightfold.",
            fits,
        ),
        _contradiction(found, fits),
        *_predictions(fits),
        _idle(table),
    )
    own = table.trials
    if "g.part" in own:
        own = own[own["g.part"] == ENERGY]
    notes = (*_notes(fits, found, caches), *caveats(replace(table, trials=own), trials))
    if trials["seed"].astype(str).str.contains("again").any():
        notes += (
            "Several tables are taken for one machine: the model is of all of them together.",
        )
    return Findings(claims, exhibits(table, found, fits, caches), notes)


def keep(table: Table) -> str | None:
    """Store the fitted model for this machine, and say so; nothing where none could be fitted."""
    from ....energy.calibration.stored import machine_id, now_utc
    from ....models.networks.mlp_energy_stored import StoredEnergyModel, save
    from ...comparison.machines import describe_machine

    fits = fit(networks(per_sample(table)), caches_of(table))
    if fits is None:
        return None
    told, here = table.description or {}, describe_machine()
    machine, versions = told.get("machine") or {}, told.get("versions") or {}
    if any(machine.get(name) != here[name] for name in ("cpu", "caches")):
        return "The energy model was not stored: its networks were trained on another machine."
    path = save(
        StoredEnergyModel(
            machine=machine_id(),
            processor=here["cpu"],
            fitted_at=str(told.get("created") or now_utc()),
            precision=PRECISION,
            meter=tuple(str(each.get("id")) for each in told.get("meter") or ()),
            versions={str(name): str(each) for name, each in versions.items()},
            n_networks=len(fits.fitted),
            held_out_error=fits.memory.error,
            model=fits.model,
        )
    )
    return f"The energy model was stored in {path}: grid-cheapest orders networks of mlp by it."


def _growth(
    trials: pd.DataFrame,
    sizes: tuple[int, int],
    holds: Callable[[float], bool],
    statement: str,
    fits: Fits | None,
) -> Claim:
    """How the energy per sample grows with the size, at the same shape, depth and batch."""
    small, large = sizes
    ours = None
    if len(trials):
        ours = paired_ratio(
            trials,
            {"p.size": large},
            {"p.size": small},
            within=["p.profile", "p.depth", "p.batch"],
            value="sample_j",
        )
    if ours is None or ours.value is None:
        reason = f"no network was finished with both {small:,} and {large:,} parameters"
        return Claim(statement, None, None, None, reason)
    why = f"it grows {ours.value:.3g}-fold, on the geometric mean over shapes, depths and batches"
    if fits is not None:
        shares = [
            fits.share_by_itself(each)
            for each in (*fits.fitted, *fits.held)
            if small <= each.size <= large
        ]
        why += (
            f"; by the model, {format_percent(float(np.mean(shares)), 0)} of the energy of such "
            "networks is what each step and each layer costs by itself"
        )
    return Claim(statement, None, ours, holds(ours.value), why)


def _contradiction(found: Sequence[Network], fits: Fits | None) -> Claim:
    """Whether a network takes fewer operations and fewer parameters, and yet more energy."""
    statement = (
        "Fewer parameters and fewer operations need not cost less energy: hardware makes the "
        "relation a non-linear one."
    )
    clearest = dearest_smaller(found)
    seeds = {seed for each in found for seed in each.joules}
    ratios = []
    for seed in seeds:
        # The pair is picked on the other repetitions, so that chance does not widen its ratio.
        pair = dearest_smaller(found, but=seed if len(seeds) > 1 else None)
        if pair is not None and all(seed in each.joules for each in pair):
            ratios.append(pair[0].joules[seed] / pair[1].joules[seed])
    ours = quantity(interval(ratios))
    if clearest is None or ours is None or ours.value is None:
        return Claim(statement, None, None, None, _NO_PAIR if found else _NO_TRIALS)
    small, large = clearest
    holds, doubt = shown_above(ours)
    why = (
        f"of all pairs of which one has at most half of the parameters and operations, the smaller "
        f"({small.name}) takes up to {ours.value:.3g} times the energy per sample of the larger "
        f"({large.name}), picked on other repetitions than the ratio is taken of{doubt}"
    )
    if fits is not None:
        share = format_percent(fits.share_by_itself(small), 0)
        why += (
            f"; by the model, {share} of the smaller's is what steps and layers cost by themselves"
        )
    return Claim(statement, None, ours, holds, why)


def _predictions(fits: Fits | None) -> tuple[Claim, ...]:
    """How well the model predicts shapes that it was not fitted to, and better than which."""
    close, near = (
        "Operations and the bytes that each level of memory serves predict the energy per sample: "
        "the median of predicted over measured energy of shapes held out lies within 0.9 and 1.1.",
        f"The model predicts at least {format_percent(_NEAR, 0)} of the networks held out within "
        f"{format_percent(WITHIN, 0)}.",
    )
    rivals = (
        "Operations alone do not explain the energy: the model errs less on shapes held out than "
        "one of operations and steps.",
        "Parameters alone do not explain the energy: the model errs less on shapes held out than "
        "one of parameters and steps.",
        "The level of memory that serves the bytes matters: without the bytes the same model errs "
        "more on shapes held out.",
    )
    if fits is None:
        return tuple(Claim(each, None, None, None, _NO_FIT) for each in (close, near, *rivals))
    of_seeds = _ratios_by_repetition(fits, fits.memory)
    ratio = quantity(interval([np.median(each) for each in of_seeds]))
    within = quantity(interval([(np.abs(each - 1) <= WITHIN).mean() for each in of_seeds]), "%")
    value, share = (None if each is None else each.value for each in (ratio, within))
    assert value is not None
    assert share is not None
    counted = (
        f"{format_percent(share)} of {len(fits.held)} networks held out are predicted within "
        f"{format_percent(WITHIN, 0)}"
    )
    too = "high" if value > 1 else "low"
    bias = f"on the median, predictions are {format_percent(abs(value - 1))} too {too}"
    found = [
        Claim(close, None, ratio, _MEDIAN[0] <= value <= _MEDIAN[1], bias),
        Claim(near, None, within, share >= _NEAR, counted),
    ]
    others = (fits.operations, fits.parameters, fits.no_memory)
    for statement, rival in zip(rivals, others, strict=True):
        # Errors differ from network to network, so these are what is resampled.
        errors = (np.abs(each.ratios - 1) + _NO_ERROR for each in (fits.memory, rival))
        ratio = ratio_of_means(*errors)
        ours = Quantity(ratio.value, ratio.low, ratio.high)
        holds, doubt = shown_below(ours)
        why = (
            f"the mean relative error is {format_percent(fits.memory.error)}, that of the other "
            f"model {format_percent(rival.error)}, over {ratio.n} networks{doubt}"
        )
        found.append(Claim(statement, None, ours, holds, why))
    return tuple(found)


def _ratios_by_repetition(fits: Fits, of: Fit) -> list[NDArray[np.float64]]:
    """Predicted over measured of the networks held out, of each repetition by itself."""
    seeds = sorted({seed for each in fits.held for seed in each.joules})
    pairs = list(zip(fits.held, of.predicted, strict=True))
    return [
        np.array([joule / each.joules[seed] for each, joule in pairs if seed in each.joules])
        for seed in seeds
    ]


def _idle(table: Table) -> Claim:
    """Which share of a node's energy it would have drawn idle, where a wattmeter saw the node."""
    statement = "Idling is 67 % of the power of a node that trains on processors."
    paper = Quantity(0.67, unit="%")
    idle_w = [
        each.get("power_w")
        for each in ((table.description or {}).get("study") or {}).get("idle") or ()
        if each.get("component") == "node" and each.get("power_w") is not None
    ]
    trials = table.trials
    known = trials[trials["node_j"].notna() & trials["duration_s"].notna()]
    if len(idle_w) != 1 or not len(known) or not known["node_j"].sum():
        why = "no meter saw the whole node: give one, such as a wattmeter, with --meter"
        return Claim(statement, paper, None, None, why)
    share = float(idle_w[0] * known["duration_s"].sum() / known["node_j"].sum())
    why = (
        f"the node idles at {idle_w[0]:.3g} W, and at least {format_percent(_IDLE, 0)} counts as "
        "holding; how many cores train beside the idling ones decides it"
    )
    return Claim(statement, paper, Quantity(share, unit="%"), share >= _IDLE, why)


def _notes(fits: Fits | None, found: Sequence[Network], caches: Mapping[str, int]) -> Iterator[str]:
    """What is to be held against the numbers."""
    if found and not caches:
        yield (
            "The sizes of this machine's caches are not known, so all bytes count as served by the "
            "memory."
        )
    if fits is None:
        return
    yield (
        "What each step and each layer costs by itself is no term of the paper's model: it is what "
        "PyTorch takes to launch operations, and most of the energy of small networks here."
    )
    off = [
        (fits.model.joules_per_sample(each.widths, each.batch) / each.joule, each)
        for each in fits.fitted
    ]
    wrong = sorted((each for each in off if abs(each[0] - 1) > WITHIN), key=lambda each: each[0])
    if wrong:
        share, worst = wrong[0] if wrong[0][0] < 1 else wrong[-1]
        yield (
            f"Of the {len(off)} networks that it was fitted to, the model misses {len(wrong)} by "
            f"more than {format_percent(WITHIN, 0)}; the worst ({worst.name}) is predicted at "
            f"{share:.2f} of what was measured."
        )
