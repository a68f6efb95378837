"""A search that takes part of a second and always spends the same."""

TINY = {
    "dataset": "synthetic:8x8x1:3:90",
    "seeds": 1,
    "meter": "model",
    "workers": 1,
    "budget": "unlimited",
    "trials": 4,
    "space": {"width": {"low": 8, "high": 12}, "epochs": {"low": 1, "high": 2}},
}
