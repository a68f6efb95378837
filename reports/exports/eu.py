"""The energy fields of the EU's Model Documentation Form, as a block of text.

The form is that of the General-Purpose AI Code of Practice (Transparency chapter, 10 July 2025); it
documents what Annex XI of Regulation (EU) 2024/1689 asks for: the known or estimated energy
consumption of the model. Energy is in MWh, with two significant figures or more.
"""

from __future__ import annotations

import textwrap

from ...energy.quantities import JOULES_PER_UNIT
from ..format import known
from .energies import in_words, within
from .facts import Cost, Disclosed
from .wording import account, grid_line, scope_line, sum_line

_WIDTH = 96
_NO_BREAK = "\N{NO-BREAK SPACE}%"
_TITLE = "Energy consumption (during training and inference)"
_ENERGY = "Amount of energy used for training"
_INFERENCE = "Benchmarked amount of computation used for inference"
_METHOD = "Measurement methodology"


def write(cost: Cost) -> Disclosed:
    """Return the fields of the section on energy."""
    notes = ["the form's field is one figure: kind and uncertainty stand beside it in words"]
    lines = [sum_line(cost), *account(cost), scope_line(cost)]
    if cost.unknown_trials or cost.spent_j is None:
        notes.append("the energy of some trials is unknown, so the amount is N/A")
    if cost.grid is not None:
        lines.append(grid_line(cost))
    flops = known(cost.best_trial.get("flops"))
    if flops:
        inference = f"{scientific(flops)} FLOP"
        told = "counted from its layers" if cost.is_own else "as the table states them"
        how = (
            f"Operations of one forward pass of the best candidate on one sample, {told} and not "
            "benchmarked on hardware."
        )
    else:
        inference, how = "not known to perjoule: to be benchmarked by the provider", ""
        notes.append(f"{_INFERENCE.lower()} is not known and left to the provider")
    fields = {
        _ENERGY: _amount(cost),
        f"{_METHOD} (training)": " ".join(filter(None, lines)),
        _INFERENCE: inference,
        f"{_METHOD} (inference)": how,
    }
    told = [
        textwrap.fill(
            f"{name}: {value}".replace(" %", _NO_BREAK),
            _WIDTH,
            subsequent_indent="  ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for name, value in fields.items()
        if value
    ]
    return Disclosed(
        "eu", "\n\n".join([_TITLE, *told]).replace(_NO_BREAK, " %") + "\n", tuple(notes)
    )


def _amount(cost: Cost) -> str:
    if cost.spent_j is None:
        return "N/A (the energy of some trials is unknown, and so is the sum)"
    sure = within(cost.spent_j, cost.spent_error_j)
    mwh = scientific(cost.spent_j / JOULES_PER_UNIT["MWh"])
    least = "at least " if cost.is_least else ""
    return f"{least}{mwh} MWh ({in_words(cost.kinds)}, {sure})"


def scientific(amount: float) -> str:
    """Write an amount with three significant figures, as the form does: ``"1.94x10^-7"``."""
    digits, _, power = f"{amount:.2e}".partition("e")
    return f"{digits}x10^{int(power)}"
