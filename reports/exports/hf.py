"""Metadata of a Hugging Face model card: `co2_eq_emissions`, in grams.

The keys are those of https://huggingface.co/docs/hub/model-cards-co2.
"""

from __future__ import annotations

from ...files.yaml_text import write_yaml
from .facts import Cost, Disclosed
from .wording import account, grid_line, sum_line

_KEYS = {
    "training_type": "--training-type pre-training (or fine-tuning)",
    "geographical_location": '--location "Paris, France"',
    "hardware_used": '--hardware "2 x gpu NVIDIA A100"',
}


def write(cost: Cost) -> Disclosed:
    """Return the front matter of the card; kinds and uncertainty stand in `source`."""
    grams = cost.grams(cost.spent_j)
    source = [f"Metered by {cost.measured_by}.", sum_line(cost), *account(cost), grid_line(cost)]
    found = {
        "emissions": None if grams is None else float(f"{grams:.4g}"),
        "source": " ".join(source),
        "training_type": cost.given.training_type,
        "geographical_location": cost.location,
        "hardware_used": "; ".join(map(str, cost.hardware)) or None,
    }
    data = {key: value for key, value in found.items() if value is not None}
    text = write_yaml({"co2_eq_emissions": data}, width=10_000)
    notes = ["co2_eq_emissions has no key for kind and uncertainty: they stand in source"]
    notes += [
        f"{key} is not known and left out: say {how}"
        for key, how in _KEYS.items()
        if key not in data
    ]
    return Disclosed("hf", f"---\n{text}---\n", tuple(notes))
