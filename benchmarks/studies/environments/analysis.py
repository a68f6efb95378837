"""What models cost in which environments, beside what del Rey et al. found (SEAA 2023)."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from ....energy.quantities import format_percent
from ...statistics.inference import SIGNIFICANCE, KruskalWallis, kruskal_wallis
from ...statistics.projection import CLOSE, Projections, project_table
from ..comparing import caveats, paired_ratio, repetitions, shown_above
from ..facts import Claim, Findings, Quantity
from ..tables import complete
from ..wording import in_words
from .exhibits import exhibits

if TYPE_CHECKING:
    import pandas as pd

    from ...tables.table import Table

DEPTHWISE, PLAIN = "mobilenet_v2", "vgg16"
LEAST_SAVED = 0.64  # the least that the paper saved
LEAST_PER_FLOP = 3.0  # far below the paper's 29, whose count of MobileNetV2's FLOPs is too low
LEAST_CLOSE = 0.8  # of all trainings: in 4 of 5 repetitions
_NOTE = (
    "The paper counts 0.064 GFLOP for MobileNetV2 at 128 pixels. With two operations for each "
    "multiply-add, as its other networks are counted, it has 0.196: its 29 to 56 times the energy "
    "per FLOP would be 9 to 18 times then."
)


def analyse(table: Table) -> Findings:
    """Name the paper's claims of a trial table whose strategies are models.

    Environments are its groups ``g.environment``, and ``p.images`` is how many images a training
    saw in all.
    """
    trials, projections = _per_image(table), project_table(table)
    missing = _missing(trials)
    claims = [
        _saving(trials, missing),
        _bigger(trials, missing),
        _per_flop(trials, missing),
        _interaction(trials, missing),
        _projected(projections),
    ]
    notes = (_NOTE, *caveats(table, trials.dropna(subset=["j_image"])))
    return Findings(tuple(claims), exhibits(trials, projections), notes)


def _per_image(table: Table) -> pd.DataFrame:
    """The finished trials by model and environment, in joules per image and per FLOP."""
    import pandas as pd

    trials = complete(table)
    stated = trials.get("p.images", pd.Series(index=trials.index, dtype=float))
    images = pd.to_numeric(stated, errors="coerce").astype(float)
    images = images.where(images > 0)
    environment = trials.get("g.environment", pd.Series("here", trials.index))
    joules = trials["energy_j"] / images
    trials = trials.assign(
        model=trials["strategy"].str.removeprefix("model "),
        environment=environment.astype(object).where(environment.notna(), "not stated").astype(str),
        j_image=joules,
        s_image=trials["duration_s"] / images,
        j_flop=joules / trials["flops"].astype(float),
    )
    return repetitions(trials, ("model", "environment"))


def _missing(trials: pd.DataFrame) -> str:
    """Why models cannot be compared, if that is so."""
    if trials.empty:
        return "no training has come to its end"
    if trials["j_image"].isna().all():
        return "the table does not say how many images each training saw (p.images)"
    for model in (DEPTHWISE, PLAIN):
        if not (trials["model"] == model).any():
            return f"no training of {model} has come to its end"
    return ""


def _by_environment(trials: pd.DataFrame, value: str) -> dict[str, Quantity]:
    """How many times more of a value the depthwise network has than the plain one."""
    found = {
        str(name): paired_ratio(own, {"model": DEPTHWISE}, {"model": PLAIN}, value=value)
        for name, own in trials.dropna(subset=[value]).groupby("environment", sort=False)
    }
    return {name: ratio for name, ratio in found.items() if ratio is not None}


def _span(by_name: Mapping[str, Quantity]) -> Quantity:
    """One figure as it is; of several the least and the greatest."""
    quantities = list(by_name.values())
    if len(quantities) == 1:
        return quantities[0]
    values = [each.value for each in quantities if each.value is not None]
    note = f"{len(values)} environments"
    return Quantity(None, min(values), max(values), quantities[0].unit, note)


def _told(by_name: Mapping[str, Quantity]) -> str:
    return "; ".join(f"{in_words(each)} on {name}" for name, each in by_name.items())


def _saving(trials: pd.DataFrame, missing: str) -> Claim:
    statement = "Training MobileNetV2 in place of VGG16 saves most of the energy per image."
    paper = Quantity(None, LEAST_SAVED, 0.81, "%")
    found = {} if missing else _by_environment(trials, "j_image")
    if not found:
        return _unsaid(statement, paper, missing or _NOT_BOTH)
    saved = {
        name: Quantity(
            1 - each.known_value,
            None if each.high is None else 1 - each.high,
            None if each.low is None else 1 - each.low,
            "%",
        )
        for name, each in found.items()
    }
    holds = all(round(each.known_value, 2) >= LEAST_SAVED for each in saved.values())
    why = (
        f"it saves {_told(saved)}, where at least {format_percent(LEAST_SAVED, 0)} is asked for"
        f"{'' if holds else _what_changed(trials, saved)}"
    )
    return Claim(statement, paper, _span(saved), holds, why)


def _what_changed(trials: pd.DataFrame, saved: Mapping[str, Quantity]) -> str:
    """What the environment that saves least does to both networks."""
    order = sorted(saved, key=lambda name: saved[name].known_value)
    worst, best = order[0], order[-1]
    if worst == best:
        return ""
    costs = trials.groupby(["model", "environment"])["j_image"].median()
    times = {model: costs[model, worst] / costs[model, best] for model in (DEPTHWISE, PLAIN)}
    told = " and ".join(f"{model} {each:.3g} times" for model, each in times.items())
    return f"; on {worst} an image costs {told} what it costs on {best}"


def _bigger(trials: pd.DataFrame, missing: str) -> Claim:
    statement = (
        "Where VGG16 trains fastest, the small network costs more: the environment is too big for "
        "it."
    )
    paper = Quantity(1.8, unit="")
    ends = None if missing else _slow_and_fast(trials)
    if ends is None:
        why = "there are not two environments of which the seconds per image of VGG16 are known"
        return _unsaid(statement, paper, missing or why)
    slow, fast = ends
    levels = [{"model": DEPTHWISE, "environment": name} for name in (fast, slow)]
    ratio = paired_ratio(trials.dropna(subset=["j_image"]), *levels, value="j_image")
    if ratio is None or ratio.value is None:
        return _unsaid(statement, paper, f"{DEPTHWISE} was not trained in both {slow} and {fast}")
    holds, doubt = shown_above(ratio)
    why = (
        f"VGG16 trains fastest on {fast} and slowest on {slow}, and on the former {DEPTHWISE} "
        f"takes {in_words(ratio)} times the joules per image that it takes on the latter{doubt}"
    )
    return Claim(statement, paper, ratio, holds, why)


def _per_flop(trials: pd.DataFrame, missing: str) -> Claim:
    statement = (
        "A FLOP of MobileNetV2, with its depthwise convolutions, costs several times one of VGG16."
    )
    paper = Quantity(None, 29.0, 56.0)
    found = {} if missing else _by_environment(trials, "j_flop")
    if not found:
        why = "the FLOPs of both networks are not known in any environment"
        return _unsaid(statement, paper, missing or why)
    holds = all(each.known_value >= LEAST_PER_FLOP for each in found.values())
    why = f"it costs {_told(found)}, where at least {LEAST_PER_FLOP:g} times is asked for"
    return Claim(statement, paper, _span(found), holds, why)


def _interaction(trials: pd.DataFrame, missing: str) -> Claim:
    statement = "What an environment costs or saves depends on the model."
    ends = None if missing else _slow_and_fast(trials)
    if ends is None:
        return _unsaid(statement, None, missing or "there are not two environments to compare")
    test = interaction(trials, *ends)
    if not test.conclusive:
        reason = test.reason.rstrip(".")
        return _unsaid(statement, None, reason[:1].lower() + reason[1:])
    holds = test.p < SIGNIFICANCE
    why = (
        f"the ratio of joules between {ends[1]} and {ends[0]} "
        f"{'differs' if holds else 'does not differ'} between {test.k} models "
        f"(Kruskal-Wallis, H = {test.h:.1f}, p = {test.p:.2g})"
    )
    return Claim(statement, None, Quantity(test.eta_squared, note="eta squared"), holds, why)


def interaction(trials: pd.DataFrame, slow: str, fast: str) -> KruskalWallis:
    """Whether models differ in how many times more they cost in one environment than in another.

    Of each repetition of a model it takes the logarithm of that ratio, so that what a model costs
    anywhere, and what an environment costs all models, cancel.
    """
    means = trials.groupby(["model", "environment", "seed"])["j_image"].mean().unstack(1)
    ratios = (means[fast] / means[slow]).dropna()
    groups = {str(name): np.log(own) for name, own in ratios.groupby("model")}
    return kruskal_wallis(groups, of="model")


def _slow_and_fast(trials: pd.DataFrame) -> tuple[str, str] | None:
    """Where the plain network takes the most seconds per image, and where the least."""
    plain = trials[trials["model"] == PLAIN].dropna(subset=["s_image", "j_image"])
    seconds = plain.groupby("environment")["s_image"].median()
    return None if len(seconds) < 2 else (str(seconds.idxmax()), str(seconds.idxmin()))


def _projected(found: Projections) -> Claim:
    statement = (
        "Five steady epochs tell what the whole training will take: within 10 % in 4 of 5 runs."
    )
    if found.close is None or found.median_error is None or found.covered is None:
        why = "no finished training has a learning curve with the joules of seven epochs or more"
        return _unsaid(statement, None, why)
    count = len(found.finished)
    ahead = median(
        1 - each.projection.measured_epochs / each.projection.epochs for each in found.finished
    )
    close, covered, to_come = (
        format_percent(each, 0) for each in (found.close, found.covered, ahead)
    )
    why = (
        f"of {count} trainings {close} were projected within {format_percent(CLOSE, 0)} of what "
        f"was measured, with {to_come} of their epochs still to come on the median; the median "
        f"error is {format_percent(found.median_error)}, and {covered} of the totals lie inside "
        "the 95 % interval"
    )
    ours = Quantity(found.close, unit="%", note=f"of {count} trainings")
    return Claim(statement, None, ours, found.close >= LEAST_CLOSE, why)


_NOT_BOTH = "no environment has finished trainings of both in one repetition"


def _unsaid(statement: str, paper: Quantity | None, why: str) -> Claim:
    return Claim(statement, paper, None, None, why)
