"""Which formats can be imported, one entry each, and what can be asked of an import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from ...errors import ConfigurationError, UnknownNameError


@dataclass(frozen=True)
class ImportOptions:
    """What can be asked of an import; `Format.options` says which format uses what."""

    trim_s: float = 0.0  # to cut at both ends of a trace
    energy_attr: str | None = None  # what holds joules, or with a factor: "kwh*3.6e6"
    score_attr: str | None = None  # likewise, or "1-value"; None: the only objective
    accuracy_attr: str | None = None  # the same, of an accuracy
    metric: str | Mapping[str, Any] | None = None  # what the score is; None: what the study says
    study: str | None = None  # its name, where there are several
    strategy: str | None = None  # of every row, in place of what the format tells
    column: str | None = None  # power column or device of a trace, as for `read_trace`
    strict: bool = False  # refuse files with any damaged row, which are left out otherwise


class Format(NamedTuple):
    """What can be imported."""

    name: str  # with `_` for `-` also that of its module beside this one
    summary: str  # what is read, and what a row becomes, in one line
    source: str  # where the format is described
    options: tuple[str, ...] = ("strategy",)  # which `ImportOptions` it uses


_KNOWN = (
    Format(
        "codecarbon",
        "emissions.csv of CodeCarbon 1 to 3; cumulative rows of a tracker become differences",
        "https://mlco2.github.io/codecarbon/output.html",
    ),
    Format(
        "nvidia-smi",
        "power readings of nvidia-smi --query-gpu=timestamp,power.draw --format=csv; a trial a GPU",
        "https://docs.nvidia.com/deploy/nvidia-smi/",
        ("trim_s", "column", "strategy"),
    ),
    Format(
        "optuna",
        "a study in a journal file or a storage URL; joules from a user attribute",
        "https://optuna.readthedocs.io/en/stable/reference/storages.html",
        ("energy_attr", "score_attr", "accuracy_attr", "metric", "study", "strategy"),
    ),
    Format(
        "zeus",
        "the CSV log of ZeusMonitor(log_file=...); a trial a window",
        "https://ml.energy/zeus/measure/",
    ),
    Format(
        "butter-e",
        "runs_with_standardized_energy.csv of the BUTTER-E data set; a trial a training",
        "https://data.openei.org/submissions/5991",
    ),
    Format(
        "sacct",
        "jobs of Slurm with the joules of their nodes: sacct --parsable2; a trial a job",
        "https://slurm.schedmd.com/sacct.html",
    ),
    Format(
        "wattmeter",
        "readings of a power meter of the whole machine, as CSV of times and watts",
        "columns such as time_s,power_w or timestamp,P [W]",
        ("trim_s", "column", "strategy"),
    ),
    Format(
        "xu-hicss2023",
        "emissions.csv of Xu et al., HICSS 2023, with what stands beside; a trial a training",
        "https://github.com/yinlenaxu/energy-efficiency-cv",
    ),
)
FORMATS = {each.name: each for each in _KNOWN}


def find_format(name: str, options: ImportOptions) -> Format:
    """The format of a name, if it uses all options that are given."""
    if name not in FORMATS:
        raise UnknownNameError("import format", name, FORMATS)
    found = FORMATS[name]
    for field in fields(options):
        taken = (*found.options, "strict")
        if getattr(options, field.name) != field.default and field.name not in taken:
            raise ConfigurationError(
                f"{_option(field.name)}: the format {name} has no use for it, leave it out (it "
                f"takes {', '.join(map(_option, sorted(found.options)))})"
            )
    return found


def _option(name: str) -> str:
    """A field of `ImportOptions` as the command calls it."""
    return "--" + name.removesuffix("_s").replace("_", "-")


def formats_help() -> str:
    """All formats with their summaries, in one line for help texts."""
    return "; ".join(f"{each.name} ({each.summary})" for each in _KNOWN)
