"""What is checked, why it matters, and where it was found before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..tables.facts import Fact

ERROR, WARNING = "error", "warning"
_XU = "Xu et al., HICSS 2023"
_YARALLY = "Yarally et al., CAIN 2023"
_TOLD = 3  # places beside the first that a finding tells
_DELREY = "del Rey et al., SEAA 2023"


Evidence = Iterator[tuple[str, str]]  # what a check yields: where each fault is, and its numbers


class Lacking(Exception):  # noqa: N818 - no error
    """A check cannot run; the message says what is missing."""


@dataclass(frozen=True)
class Finding(Fact):
    """One fault that was found."""

    check: str  # the id of its check
    severity: str
    where: str  # the file, and in it the rows (from 1, below the header) and columns
    evidence: str  # the numbers that show it, in a sentence
    remedy: str
    count: int = 1  # of such places in that file; ``where`` is the first of them


@dataclass(frozen=True)
class Check:
    """One fault that is looked for."""

    id: str
    title: str  # what is wrong
    why: str  # what it does to the results
    source: str  # the study or tool that it was found in, or the standard it breaks
    remedy: str
    severity: str  # ERROR if numbers are wrong, WARNING if conclusions do not follow

    def found(self, evidence: Evidence, path: str = "") -> list[Finding]:
        """The finding of this check in a file, which counts all places and names the first."""
        places = list(evidence)
        if not places:
            return []
        (where, numbers), *others = places
        if others:
            also = [f"{at.removeprefix(path).lstrip(', ')}: {what}" for at, what in others[:_TOLD]]
            more = f" and {len(others) - _TOLD} more" if len(others) > _TOLD else ""
            numbers = f"{numbers} (the first of {len(places)}; also {'; '.join(also)}{more})"
        return [Finding(self.id, self.severity, where, numbers, self.remedy, len(places))]


CHECKS = {  # by id, in the order in which findings are listed
    check.id: check
    for check in (
        Check(
            "cumulative-rows",
            "Rows of a tracker that grow within a session are taken for single runs.",
            "Each row repeats the energy of those before it, so later runs look dearer than they "
            "were, and every sum counts the first ones again and again.",
            f"{_XU}: taken per run, ResNet50 costs 1.06 times VGG16 on CIFAR-10, not 2.0 times",
            "take the difference of neighbouring rows of a session: perjoule import codecarbon",
            ERROR,
        ),
        Check(
            "cumulative-energies",
            "The energies of trials are running sums.",
            "Each trial repeats the energy of those before it, so later ones look dearer than "
            "they were, and every total counts the first ones again and again.",
            f"{_XU}: rows that grow within a session, taken for single runs",
            "take the difference of neighbouring trials of a session as their energy",
            ERROR,
        ),
        Check(
            "constant-energies",
            "All trials have the same energy.",
            "No measurement repeats itself whatever is trained: it is a constant, or a total that "
            "was shared out, and says nothing of what a candidate costs.",
            "CodeCarbon 3.3, which falls back on a constant power where it finds no counter",
            "write the energy that each trial was measured to take, or leave it empty",
            ERROR,
        ),
        Check(
            "unit-slip",
            "Some energies are in another unit than the others.",
            "What is a thousand times dearer is no worse method: one tool writes J and another mJ, "
            "Wh or kWh, and every comparison between them is void.",
            "Zeus 0.16: a field cpu_mj that holds joules",
            "find out which unit each has, and convert: --map energy_j=NAME*3600 for Wh",
            ERROR,
        ),
        Check(
            "impossible-power",
            "A power is more than the hardware can draw.",
            "Watts above what a processor or a card can draw are in another unit (mW), or rated "
            "power times a wrong count; the energy made of them is wrong by that factor.",
            "CodeCarbon 3.0 to 3.2 on Windows: 390 W for a processor of 65 W, whose logical cores "
            "were taken for sockets",
            "divide by 1000 if it is mW; leave a modelled processor out, or measure it",
            ERROR,
        ),
        Check(
            "contradicting-total",
            "A total is not the sum of the parts beside it.",
            "One of them is in another unit, was scaled in a merge, or counts a part twice; which "
            "one it is the row does not tell.",
            "emissions.csv whose total is in Wh in a column of kWh, 1000 times its parts",
            "find out which is wrong, and write it in the unit of its column",
            ERROR,
        ),
        Check(
            "mixed-devices",
            "Readings of several devices are taken for those of one.",
            "The integral of all of them is a mean over the devices: of eight cards it is an "
            "eighth of what they used.",
            "nvidia-smi --query-gpu=timestamp,power.draw on a machine with several cards",
            "record index or uuid too: nvidia-smi --query-gpu=timestamp,index,power.draw",
            ERROR,
        ),
        Check(
            "power-times-duration",
            "Energy is the sum of power readings, times the whole duration.",
            "A sum of readings has to be multiplied by the time between two of them; times the "
            "whole duration it is too large by the number of readings.",
            f"{_DELREY} give such a sum, in watts, beside an energy that is integrated",
            "integrate the power over time (trapezoid rule), or take its mean times the duration",
            ERROR,
        ),
        Check(
            "energy-as-power",
            "A column of watts holds an amount of energy.",
            "Power that grows with the duration is none: whoever multiplies it by a time, or "
            "compares it with a limit, is wrong by orders of magnitude.",
            f"{_XU}: the watts of the processed wattmeter table are its joules over 3600, so Wh",
            "name the column by its unit, and divide energy by duration where power is wanted",
            ERROR,
        ),
        Check(
            "truncated-watts",
            "The decimals of the watts were dropped.",
            "Half a watt is lost at every reading on average, 0.3 to 0.4 % on a busy card and "
            "2 % on an idle one, always downwards.",
            f"{_DELREY}: 0.41517 MJ from whole watts, where the trace gives 0.41647 MJ",
            "read '119.17 W' as 119.17, and integrate again",
            ERROR,
        ),
        Check(
            "negative-component",
            "A component has used less than nothing.",
            "No hardware gives energy back: a counter wrapped or was reset, and the total that "
            "the component was added to is too low by an unknown amount.",
            f"{_XU}: two rows of the node; Zeus 0.16 gives -262,142 J across a wrap",
            "leave the row out or measure it again; never add the component to a total",
            ERROR,
        ),
        Check(
            "zero-component",
            "A component has used nothing at all.",
            "A sensor that was not read looks like hardware that needs no power, and the total "
            "lacks it.",
            "CodeCarbon 3.3 (0 kWh for virtual and old graphics cards), and tools in which a "
            "failed reading is 0",
            "leave the cell empty if nothing was read, and say that the total lacks the component",
            ERROR,
        ),
        Check(
            "constant-power",
            "A power is the same in all rows.",
            "No sensor repeats itself to the last digit: it is a figure for the model of the "
            "hardware, so energy is time by another name, and differences of load are invisible.",
            f"{_XU}: 42.5 W for the processor in all 45 rows; modelled CPU energy is off by 43 % "
            "(median)",
            "say that this component is modelled, and keep it apart from measured joules",
            WARNING,
        ),
        Check(
            "trace-gaps",
            "Power was not read for a while.",
            "What happened in the gap is a straight line in the integral.",
            "Zeus 0.16, whose power monitor drops equal readings and the edges of a window",
            "measure again with a reader of its own thread; or state the share as uncertainty",
            WARNING,
        ),
        Check(
            "short-windows",
            "What was measured is shorter than five updates of its sensor.",
            "A counter that moves every 100 ms is off by up to 10 % in a window of 1 s.",
            "Yang et al., SC 2024 (nvidia-smi's lack of attention); NVML's counter ticks every 20 "
            "to 100 ms",
            "measure several repetitions in one window and divide",
            WARNING,
        ),
        Check(
            "test-selection",
            "Networks are chosen by the data that they are tested on.",
            "The best of many accuracies on test data is too high, most for the strategy with the "
            "most trials.",
            f"{_YARALLY}: no validation data, selection on the test set",
            "choose by validation data, and test the chosen network once",
            WARNING,
        ),
        Check(
            "dead-hyperparameter",
            "A hyperparameter changes nothing.",
            "It never reaches the training: the search has a dimension less than stated, and "
            "strategies are compared by how they cope with noise.",
            f"{_YARALLY}: beta2 never reaches the optimiser",
            "pass it on, or take it out of the space; then run the search again",
            ERROR,
        ),
        Check(
            "means-as-maxima",
            "Accuracies called best or maximal are means of several.",
            "The maximum of means is lower than the mean of maxima, and neither is an accuracy "
            "that any network had.",
            f"{_YARALLY}: best accuracies are multiples of 1/80,000, means of 8 on 10,000 images",
            "call them means, say of how many, and give their spread",
            WARNING,
        ),
        Check(
            "few-repetitions",
            "A strategy was run fewer than five times.",
            "With fewer than five runs each no rank test can tell two strategies apart, and luck "
            "of one seed decides.",
            f"{_YARALLY}: one search of 64 rounds per strategy and network",
            "run every strategy with five seeds at least, ten if you can",
            WARNING,
        ),
        Check(
            "order-effects",
            "Energy drifts with the order of the trials.",
            "A warm machine costs more: what was run later looks dearer than it is.",
            f"{_YARALLY}: rounds of the same network cost more the later they ran",
            "warm the machine up first, and interleave what is compared",
            WARNING,
        ),
        Check(
            "unequal-energy",
            "Strategies that are compared at the end had different energies.",
            "Whoever may spend more finds more: accuracies are comparable at equal energy only.",
            f"{_YARALLY}: equal numbers of rounds, whatever they cost",
            "compare at the energy that all had: perjoule report does so",
            WARNING,
        ),
        Check(
            "mixed-kinds",
            "Measured and modelled joules are compared or added.",
            "A model of processor energy is off by -76 to +106 %, so that the difference of two "
            "rows may be one of methods.",
            "CodeCarbon 3.3, which falls back from a counter to a table without a column for it",
            "compare rows of one kind, and components one by one",
            WARNING,
        ),
    )
}
