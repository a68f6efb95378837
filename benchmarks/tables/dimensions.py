"""Which columns of a table are hyperparameters, and which only name a trial or were measured of it.

A column of one's own in somebody else's table may be anything. What ``--params`` names, what a
description says was searched, and what an importer knows is taken as it is. Elsewhere a column is
left out if it names a trial (text, moments or counts that tell every row apart), if it was measured
(by its name, by its unit, or because it goes with the joules or the score as no hyperparameter
does), or if it says where or when a trial ran. Each of these has its reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ...errors import DataError
from .contract import SCORES, TRIAL_COLUMNS
from .quantities import ENERGY, TIME, find_measure
from .refusals import listed, short

MOST_LEVELS = 12
"""A number with so many values or fewer, each of them met again, was searched on a grid."""
PARAMS = "params"  # where a description says what was searched
_FEWEST = 10  # rows from which it can be told that a column tells all of them apart
_FEWEST_RANKS, _FOLLOWS = 20, 0.99  # rows, and rank correlation, of what goes with an amount
_EXACTLY, _SPREAD = 1 - 1e-9, 0.05  # rank correlation without noise; relative spread of a ratio
_MEASURED = ("energy_j", "score", "test_score", "duration_s", "cpu_j", "gpu_j", "dram_j", "node_j")
_SCORES = re.compile(
    r"acc|accuracy|f1|f2|f05|fbeta|fscore|auc|auroc|auprc|roc|recall|precision|specificity|mse|rmse|"
    r"mae|mape|r2|loss|error|errors|err|perplexity|ppl|bleu|rouge|iou|miou|dice|logloss|nll|reward|"
    r"score|kappa|mcc|top1|top5|psnr|ssim|wer|cer|fid|correct"
)
_COSTS = re.compile(
    r"energy|joules?|[km]?wh|co2\w*|carbon|emissions?|footprint|watts?|duration|elapsed|runtime|"
    r"walltime|time|times|latency|seconds|secs|minutes|hours|throughput|fps|util|utili[sz]ation|"
    r"usage|vram|flops?|macs"
)
_SET = re.compile(  # words of what is chosen, whatever it is about
    r"weights?|coeff?|coefficient|lambda|factor|alpha|beta|gamma|scale|thresh|threshold|target|"
    r"function|fn|type|kind|limit|budget|cap|patience|smoothing|steps?|size|decay|penalty|tol|"
    r"tolerance|margin|floor|goal|constraint|dim|layers?|units|bins|window|horizon|encoding|"
    r"embed|embedding|init|reduction|warmup|interval|every|timeout|prior|mode|fraction|share|ratio"
)
_BOUNDS = re.compile(r"max|min|maximum|minimum|allowed|per")  # of an amount; of a score it is one
_RAN = re.compile(
    r"train\w*|val|validation|test|eval\w*|infer\w*|predict\w*|fit|wall|elapsed|duration|runtime"
)
_SERIALS = re.compile(r"uuid|guid|uid|hash|sha|commit")
_BYTES = re.compile(r"[kmgt]i?b|bytes|peak|used|rss")
_NAMES = re.compile(
    r"id|ids|uuid|guid|uid|hash|sha|commit|path|file|filename|folder|dir|directory|url|checkpoint|"
    r"ckpt|notes?|comment|message|log|name"
)
_COUNTS = re.compile(r"step|number|no|num|index|idx|row|trial|iteration|iter|job|order|id|run")
_PLACES = re.compile(
    r"machine|hostname|host|node|server|cluster|user|username|gpu|cpu|hardware|country|region|os|"
    r"python|version"
)
_SEEDS = re.compile(r"seed|state")
_MOMENT = re.compile(r"\d{4}[-/]\d\d[-/]\d\d([T ].*)?|\d\d?:\d\d(:\d\d.*)?")
_NO_CHOICE = 2**31  # from here on a whole number is a serial one
_SINCE_1970 = ((9e8, 5e9), (9e11, 5e12))  # seconds and milliseconds since then, of this century


@dataclass(frozen=True)
class Dimensions:
    """The hyperparameters of a table, without ``p.``, and why other columns are none."""

    searched: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    stated: bool = False  # by the user or the table, rather than told by the columns

    def describe_left_out(self) -> str:
        """What was left out, in a sentence; empty if nothing was."""
        reasons: dict[str, list[str]] = {}
        for name, why in self.left_out.items():
            reasons.setdefault(why, []).append(short(name))
        told = "; ".join(f"{', '.join(names)} ({why})" for why, names in reasons.items())
        how = "" if self.stated else " --params names those that are."
        return f"No hyperparameters: {told}.{how}" if told else ""


def find_dimensions(trials: pd.DataFrame, description: Mapping[str, Any] | None) -> Dimensions:
    """Tell hyperparameters from what names a trial or was measured of it.

    Args:
        trials: The trials of a table, whose own columns are ``p.<name>``.
        description: What is said of the experiment: its ``params`` or else its ``space`` decide.
    """
    names = [n[2:] for n in map(str, trials) if n.startswith("p.") and trials[n].notna().any()]
    stated = description or {}
    for key, why in ((PARAMS, "not among --params"), ("space", "not in the space")):
        said = stated.get(key)
        if isinstance(said, Mapping | list | tuple) and said:
            searched = tuple(name for name in names if name in said)
            return Dimensions(searched, {n: why for n in names if n not in searched}, True)
    left_out = {name: why for name in names if (why := _reason(name, trials))}
    rest = [name for name in names if name not in left_out]
    follows = {
        name: why
        for name in rest
        if not any(map(_SET.fullmatch, _words(name)))
        and (why := _followed(trials[f"p.{name}"], trials))
    }
    if any(trials[f"p.{name}"].nunique() > 1 for name in rest if name not in follows):
        left_out |= follows  # else they are all that was varied
    searched = tuple(name for name in names if name not in left_out)
    return Dimensions(searched, {name: left_out[name] for name in names if name in left_out})


def check_params(names: Sequence[str], trials: pd.DataFrame, where: str) -> list[str]:
    """The hyperparameters that ``--params`` names, each once.

    Raises:
        DataError: There is no such column, or it is one of every trial table.
    """
    plain = dict.fromkeys(name.removeprefix("p.") for name in names)
    for name in plain:
        if f"p.{name}" in trials:
            continue
        if name in TRIAL_COLUMNS and trials[name].notna().any():
            raise DataError(
                f"{where}: --params {name}: a column of every trial table: make it one of your "
                f"own by --map p.{name}={name}"
            )
        if f"g.{name}" in trials:
            raise DataError(f"{where}: --params {short(name)}: the table is grouped by it")
        among = listed(n[2:] for n in map(str, trials) if n.startswith("p."))
        raise DataError(f"{where}: --params {short(name)}: no such column among {among}")
    return list(plain)


def _reason(name: str, trials: pd.DataFrame) -> str:
    """Why a column is no hyperparameter, by its name and values; empty if it may be one."""
    values = trials[f"p.{name}"]
    known = values.dropna()
    if known.nunique() <= 1:
        return ""
    words = _words(name)
    if pd.api.types.is_bool_dtype(known):
        return ""
    if not pd.api.types.is_numeric_dtype(known):
        return _names_trials(known, words, trials["run"])
    number = known.astype(float)
    return _counts_trials(number, words, trials["run"]) or _is_measured(name, words, number)


def _names_trials(known: pd.Series, words: list[str], runs: pd.Series) -> str:
    texts = known.astype(str)
    levels = texts.nunique()
    if texts.map(lambda text: _MOMENT.fullmatch(str(text)) is not None).mean() > 0.95:
        return "moments"
    if levels == len(texts) >= _FEWEST:
        return "text, another in every row"
    if any(map(_PLACES.fullmatch, words)):
        return "says where it ran"
    if _tells_runs(texts, runs):
        return "text, one for each run"
    if any(map(_SERIALS.fullmatch, words)):
        return "names a row"
    many = levels > MOST_LEVELS and 2 * levels > len(texts)
    return "names a row" if many and any(map(_NAMES.fullmatch, words)) else ""


def _counts_trials(number: pd.Series, words: list[str], runs: pd.Series) -> str:
    low, high, levels = number.min(), number.max(), number.nunique()
    if levels > MOST_LEVELS and any(a <= low and high <= b for a, b in _SINCE_1970):
        return "moments"
    if (number != np.floor(number)).any():
        return ""
    if words[-1:] == ["seed"] or words[-2:] == ["random", "state"]:
        return "seeds randomness"
    steps, counts = number.diff().dropna(), any(map(_COUNTS.fullmatch, words))
    apart = levels == len(number) >= _FEWEST
    if apart and (steps == 1).all():
        return "counts the rows"
    if apart and counts and ((steps > 0).all() or high >= _NO_CHOICE):
        return "numbers the rows"
    return "one for each run" if counts and _tells_runs(number, runs) else ""


def _tells_runs(values: pd.Series, runs: pd.Series) -> bool:
    """Whether each run of several trials has one value of its own."""
    per_run = values.groupby(runs[values.index])
    n_runs = per_run.ngroups
    several = n_runs >= 3 and len(values) >= 2 * n_runs
    return several and values.nunique() == n_runs and bool((per_run.nunique() == 1).all())


def _is_measured(name: str, words: list[str], number: pd.Series) -> str:
    """Whether a number is what came out of a trial, by its name or its unit."""
    if any(map(_SET.fullmatch, words)):
        return ""
    levels, bounded = number.nunique(), any(map(_BOUNDS.fullmatch, words))
    on_grid = levels <= MOST_LEVELS and 2 * levels <= len(number)
    if not bounded and (what := _amount(name, words, on_grid=on_grid)):
        return f"measured: {what}"
    if on_grid and (number == np.floor(number)).all():
        return ""  # a coded choice
    if name.lower() == "map" or any(map(_SCORES.fullmatch, words)):
        is_format = "precision" in words and number.max() > 1
        return "" if is_format else "measured: a score, by its name"
    is_cost = any(map(_COSTS.fullmatch, words)) and not bounded
    return "measured: a cost, by its name" if is_cost else ""


def _amount(name: str, words: list[str], *, on_grid: bool) -> str:
    """Energy, power, time or memory, where a name tells it of a trial; empty if it does not."""
    ran = any(map(_RAN.match, words))
    measure = None if words == ["power"] else find_measure(name)  # alone it is an exponent
    if measure is not None and (
        not on_grid or measure[0] == ENERGY or (measure[0] == TIME and ran)
    ):
        return measure[0]
    if "time" in words and any(map(_RAN.fullmatch, words)):
        return TIME
    is_memory = not {"mem", "memory"}.isdisjoint(words) and any(map(_BYTES.fullmatch, words))
    return "memory" if is_memory else ""


def _followed(values: pd.Series, trials: pd.DataFrame) -> str:
    """Which measured amount a number goes with as no hyperparameter does; empty if none.

    It is proportional to an amount (or to what a score lacks of 1) but for some percent, or all but
    follows a score. One that decides an amount exactly may be a hyperparameter all the same.
    """
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return ""
    number = values.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    known = number[np.isfinite(number)]
    levels = len(np.unique(known))
    if levels <= MOST_LEVELS or 2 * levels <= len(known) or (known == np.floor(known)).all():
        return ""
    for name in _MEASURED:
        amount = trials[name].to_numpy(dtype=float, na_value=np.nan)
        both = np.isfinite(number) & np.isfinite(amount)
        if both.sum() < _FEWEST_RANKS or len(np.unique(amount[both])) <= MOST_LEVELS:
            continue
        own, other = number[both], amount[both]
        rho = pd.Series(own).rank().corr(pd.Series(other).rank())
        if abs(rho) < _FOLLOWS:
            continue
        is_score = name in SCORES
        if _proportional(own, 1 - other if is_score and rho < 0 else other) or (
            is_score and abs(rho) < _EXACTLY
        ):
            return f"goes with {name}, rank correlation {rho:.3f}"
    return ""


def _proportional(a: np.ndarray, b: np.ndarray) -> bool:
    if not ((a > 0).all() and (b > 0).all()):
        return False
    return float(np.std(np.log(a) - np.log(b))) <= _SPREAD


def _words(name: str) -> list[str]:
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name)
    return [word.lower() for word in re.split(r"[\W_]+", spaced) if word]
