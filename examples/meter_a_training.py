"""Meter a training that is there already: in all, by phase, by epoch, and by call.

Shows: `EnergyMeter` with nested windows and laps, sums and differences of readings, the decorator
`metered`, power over time, and grams of CO2e.
Takes about 4 s on one core. Windows of a few milliseconds are too short for many counters, and a
reading then says so: meter seconds, not steps.

    python meter_a_training.py
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

import perjoule

EPOCHS = 3  # as many as you train
REPEATS = 5  # of the data in an epoch, so that it takes long enough to be metered
COUNTRY = "FRA"  # whose electricity; perjoule never guesses where you are


def load() -> tuple[torch.Tensor, torch.Tensor]:
    """The digits as tensors."""
    images, labels = load_digits(return_X_y=True)
    return torch.as_tensor(images).float() / 16, torch.as_tensor(labels)


@perjoule.metered
def evaluate(network: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """Accuracy; each call is metered."""
    with torch.no_grad():
        return (network(images).argmax(1) == labels).float().mean().item()


def train_epoch(network: nn.Module, optimizer: torch.optim.Optimizer, data: tuple) -> None:
    """A pass over the data, or several."""
    images, labels = data
    for batch in torch.randperm(len(images)).repeat(REPEATS).split(64):
        optimizer.zero_grad()
        F.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimizer.step()


def main() -> None:
    """Train, and tell what it took."""
    torch.set_num_threads(1)  # the network is too small for more
    # On a GPU: EnergyMeter(synchronize=torch.cuda.synchronize), so that queued work is counted.
    with perjoule.EnergyMeter(series_period_s=0.1) as meter:
        with meter.window() as setup:
            data = load()
            network = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
            optimizer = torch.optim.Adam(network.parameters())
        with meter.window() as training:
            for epoch in range(EPOCHS):
                train_epoch(network, optimizer, data)
                print(f"epoch {epoch}: {training.lap()}")  # since the last lap; laps add up
        accuracy = evaluate(network, *data)

    print(f"setup:      {setup.reading}")
    print(f"training:   {training.reading}")
    print(f"evaluation: {evaluate.reading}")
    print(f"all:        {meter.reading}, accuracy {accuracy:.3f}")
    print(f"the rest:   {meter.reading - setup.reading - training.reading}")
    if (total_j := meter.reading.total_j) is not None:  # None: something could not be read
        print(
            f"{perjoule.intensity(COUNTRY).grams(total_j):.5f} g CO2e with electricity of {COUNTRY}"
        )
    assert meter.series is not None
    meter.series.write("power.parquet")
    print("power over time: power.parquet")


if __name__ == "__main__":
    main()
