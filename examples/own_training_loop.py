"""Search the hyperparameters of a training loop of your own, in plain PyTorch, within a budget.

Shows: what a loop adds to be metered, to be stopped by its budget inside an epoch, and to be paused
and gone on with (`restore` and `save`), which strategies such as ASHA do.
Takes about 10 s on one core; a real comparison is a minute or more (see below).

    python own_training_loop.py
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

import perjoule

BUDGET = "6 J"  # of all runs together; of a real loop some hundred times what one training takes
SEEDS = 2  # 5 or more, below which nothing is concluded
WORKERS = 1  # trainings at a time; None for one per core
STRATEGIES = ["random", "asha"]
SPACE = {
    "rate": {"low": 1e-3, "high": 1.0, "log": True},
    "hidden": {"low": 16, "high": 128, "log": True},
    "epochs": {"low": 1, "high": 9},
}
BATCH, TRAIN_SHARE = 64, 0.8


def train(trial: perjoule.Trial) -> None:
    """Train one candidate; the lines with `trial` are all that perjoule needs."""
    images, labels = map(torch.as_tensor, load_digits(return_X_y=True))
    images = images.float() / 16
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    known, held_out = order.split(round(TRAIN_SHARE * len(order)))[:2]

    torch.manual_seed(trial.seed)
    hidden = trial.params["hidden"]
    network = nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))
    optimizer = torch.optim.SGD(network.parameters(), lr=trial.params["rate"], momentum=0.9)
    if (state := trial.restore()) is not None:  # it was paused: go on
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])

    for _ in trial.epochs():  # as many as the candidate may have by now
        for batch in known[torch.randperm(len(known))].split(BATCH):
            if trial.should_stop():  # the budget is spent
                break
            loss = F.cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            right = network(images[held_out]).argmax(1) == labels[held_out]
        trial.report(accuracy=right.float().mean().item())
        trial.save({"network": network.state_dict(), "optimizer": optimizer.state_dict()})


def main() -> None:
    """Compare, and tell who found what for how many joules."""
    result = perjoule.compare(
        objective=train,
        space=SPACE,
        strategies=STRATEGIES,
        budget=BUDGET,
        seeds=SEEDS,
        workers=WORKERS,
    )
    print(result.analysis.headline)
    trials = result.trials
    print(trials.groupby("strategy")[["energy_j", "score"]].agg(["count", "max"]))
    print(f"Report: {result.report}")


if __name__ == "__main__":  # workers import this file
    main()
