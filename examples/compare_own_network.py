"""Compare searches for the hyperparameters of a network of your own, on the digits.

Shows: a network as a function, its search space, the verdict, and where the report is.
Takes about 10 s on one core; a comparison that supports a verdict takes a minute (see below).

    python compare_own_network.py
"""

from torch import nn

import perjoule

BUDGET = "6 J"  # of all runs together; "100 J" for a verdict that may hold
SEEDS = 2  # runs of each strategy; 10, and nothing is concluded below 5
WORKERS = 1  # trainings at a time; None for one per core
STRATEGIES = ["random", "frugal"]  # `perjoule strategies` lists all

SPACE = {
    "width": [4, 8, 16, 32],  # reaches the function below, as does
    "dropout": {"low": 0.0, "high": 0.5},
    "learning_rate": {"low": 0.001, "high": 1.0, "log": True},  # these reach the training
    "epochs": {"low": 1, "high": 10},
}


def network(shape: tuple[int, int, int], n_classes: int, width: int, dropout: float) -> nn.Module:
    """One convolution, for images of `shape` (channels, height, width)."""
    channels, height, side = shape
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(width * (height // 2) * (side // 2), n_classes),
    )


def main() -> None:
    """Compare, and tell."""
    result = perjoule.compare(
        architecture="compare_own_network:network",  # this file, and the function in it
        space=SPACE,
        dataset="digits",  # or "image-folder:PATH?size=32", "npz:PATH", "module:function"
        strategies=STRATEGIES,
        budget=BUDGET,
        seeds=SEEDS,
        workers=WORKERS,
    )
    print(result.analysis.headline)
    print(result.analysis.because)
    for name, facts in result.analysis.groups[0].strategies.items():
        joules = facts.energy_to_target.ert_j  # None if no run reached the target
        told = "never reached it" if joules is None else f"{joules:.2f} J"
        print(f"{name}: expected joules to the target: {told}")
    print(f"Report: {result.report}")


if __name__ == "__main__":  # workers import this file
    main()
