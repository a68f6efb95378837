"""The measured networks of the energy model's study, and the models that are fitted to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ....errors import PerjouleError
from ....models.networks.mlp import solve_widths
from ....models.networks.mlp_costs import (
    backward_operations,
    forward_operations,
    n_parameters,
    working_sets,
)
from ....models.networks.mlp_energy import EnergyModel, amounts, fit_relative, terms
from ..comparing import repetitions
from ..tables import complete

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from ...tables.table import Table

ENERGY, LOSS = "energy", "loss"  # the parts of the study
INPUTS, CLASSES = 16, 2
PRECISION = "float32"  # numbers of 4 bytes, as the working sets have it
HELD_OUT = ("exponential", "wide-first", "wide-first-16x")
"""Shapes that no model is fitted to."""
FACTORS = ("profile", "size", "depth", "batch")
FEWEST_HELD = 5  # networks, below which nothing is said of predictions
WITHIN = 0.35
"""A prediction counts as near within this relative error."""


@dataclass(frozen=True)
class Network:
    """One network, and what training it on one sample took."""

    profile: str
    size: int
    depth: int
    batch: int
    widths: tuple[int, ...]
    joules: Mapping[Any, float]  # per sample, by repetition

    @property
    def joule(self) -> float:
        """Joules per sample, the median over repetitions."""
        return median(self.joules.values())

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return n_parameters(self.widths)

    @property
    def operations(self) -> float:
        """Multiply-adds of training on one sample."""
        step = forward_operations(self.widths, self.batch)
        return (step + backward_operations(self.widths, self.batch)) / self.batch

    @property
    def working_set(self) -> int:
        """Bytes that a training step uses."""
        return working_sets(self.widths, self.batch).backward

    @property
    def name(self) -> str:
        """What it is, in words."""
        batch = f", batches of {self.batch}" if self.batch != 256 else ""
        return f"{self.profile}, {self.n_parameters:,} parameters, depth {self.depth}{batch}"


def per_sample(table: Table) -> pd.DataFrame:
    """The finished trials of the energy part, with joules per sample of training as ``sample_j``.

    Without any rows where the table has not what that takes.
    """
    trials = complete(table)
    if "g.part" in trials:
        trials = trials[trials["g.part"] == ENERGY]
    needed = [*(f"p.{name}" for name in (*FACTORS, "steps")), "energy_train_j"]
    if any(name not in trials for name in needed):
        return trials.iloc[:0].assign(sample_j=[])
    import pandas as pd

    numbers = [name for name in needed if name != "p.profile"]
    trials = trials.assign(**{n: pd.to_numeric(trials[n], errors="coerce") for n in numbers})
    samples = trials["p.batch"] * trials["p.steps"]
    trials = trials.assign(sample_j=trials["energy_train_j"] / samples)
    trials = repetitions(trials, [f"p.{name}" for name in FACTORS])
    return trials[np.isfinite(trials["sample_j"].astype(float)) & (trials["sample_j"] > 0)]


def networks(trials: pd.DataFrame) -> list[Network]:
    """The networks of trials with joules per sample; those that cannot be built are left out."""
    found: list[Network] = []
    keys = [f"p.{name}" for name in FACTORS]
    for key, rows in trials.groupby(keys) if len(trials) else ():
        profile, size, depth, batch = cast("tuple[str, float, float, float]", key)
        size, depth, batch = int(size), int(depth), int(batch)
        try:
            widths = solve_widths(str(profile), size, INPUTS, CLASSES, depth)
        except PerjouleError:
            continue
        joules = rows.groupby("seed")["sample_j"].median().to_dict()
        found.append(Network(str(profile), size, depth, batch, tuple(widths), joules))
    return found


def dearest_smaller(found: Sequence[Network], but: Any = None) -> tuple[Network, Network] | None:
    """The two networks whose energies contradict their sizes the most: the smaller, the larger.

    The smaller has at most half of the parameters and operations at the same batch. Energies are
    medians over repetitions ``but`` one. None where there is no such pair.
    """
    known = [(each, [j for seed, j in each.joules.items() if seed != but]) for each in found]
    known = [(each, median(joules)) for each, joules in known if joules]
    columns = [(j, each.n_parameters, each.operations, each.batch) for each, j in known]
    joules, parameters, operations, batches = np.array(columns, float).reshape(-1, 4).T
    # Rows are smaller by both than half of what the columns are.
    smaller = (
        (2 * parameters[:, None] <= parameters)
        & (2 * operations[:, None] <= operations)
        & (batches[:, None] == batches)
    )
    if not smaller.any():
        return None
    ratios = np.where(smaller, joules[:, None] / joules, 0.0)
    row, column = np.unravel_index(ratios.argmax(), ratios.shape)
    return known[int(row)][0], known[int(column)][0]


@dataclass(frozen=True)
class Fit:
    """A model of joules per sample, and how well it does on the shapes it was not fitted to."""

    name: str
    coefficients: NDArray[np.float64]
    predicted: tuple[float, ...]  # joules per sample of the networks held out, in their order
    measured: tuple[float, ...]

    @property
    def ratios(self) -> NDArray[np.float64]:
        """Predicted over measured."""
        return np.array(self.predicted) / np.array(self.measured)

    @property
    def error(self) -> float:
        """Mean relative error."""
        return float(np.abs(self.ratios - 1).mean())

    @property
    def within(self) -> float:
        """Share of the networks that are predicted within `WITHIN`."""
        return float((np.abs(self.ratios - 1) <= WITHIN).mean())


@dataclass(frozen=True)
class Fits:
    """All models, fitted to the same networks."""

    caches: Mapping[str, int]
    fitted: tuple[Network, ...]
    held: tuple[Network, ...]
    memory: Fit  # of all terms
    no_memory: Fit  # without the bytes
    operations: Fit  # and what a step costs
    parameters: Fit  # and what a step costs

    @property
    def all(self) -> tuple[Fit, ...]:
        """The models, the one of the study first."""
        return (self.memory, self.no_memory, self.operations, self.parameters)

    @property
    def model(self) -> EnergyModel:
        """The study's model."""
        values = map(float, self.memory.coefficients)
        return EnergyModel(self.caches, dict(zip(terms(self.caches), values, strict=True)))

    def shares(self, network: Network) -> NDArray[np.float64]:
        """What each of the `terms` has of the predicted energy of a network."""
        parts = amounts(network.widths, network.batch, self.caches) * self.memory.coefficients
        return parts / parts.sum()

    def share_by_itself(self, network: Network) -> float:
        """What step and layers have of it, whatever they compute."""
        return float(self.shares(network)[-2:].sum())


def fit(found: Sequence[Network], caches: Mapping[str, int]) -> Fits | None:
    """Fit all models to the shapes that are not held out.

    Small networks of several shapes may have the same layers: those held out must have others than
    all that are fitted.

    Returns:
        The models; None with fewer networks than coefficients, or hardly any held out.
    """
    fitted = [each for each in found if each.profile not in HELD_OUT]
    known = {(each.widths, each.batch) for each in fitted}
    held = [
        each
        for each in found
        if each.profile in HELD_OUT and (each.widths, each.batch) not in known
    ]
    if len(fitted) < len(terms(caches)) or len(held) < FEWEST_HELD:
        return None

    def whole(each: Network) -> NDArray[np.float64]:
        return amounts(each.widths, each.batch, caches)

    def one(name: str, of: Callable[[Network], Any]) -> Fit:
        matrix = np.array([of(each) for each in fitted])
        coefficients = fit_relative(matrix, [each.joule for each in fitted])
        predicted = np.array([of(each) for each in held]) @ coefficients
        return Fit(name, coefficients, tuple(predicted), tuple(each.joule for each in held))

    return Fits(
        caches,
        tuple(fitted),
        tuple(held),
        one("operations, bytes by level, steps, layers", whole),
        one("the same without bytes", lambda each: whole(each)[[0, -2, -1]]),
        one("operations and steps", lambda each: (each.operations, 1 / each.batch)),
        one("parameters and steps", lambda each: (each.n_parameters, 1 / each.batch)),
    )


def caches_of(table: Table) -> dict[str, int]:
    """The caches of the machine that a table says it was measured on; empty if it does not say."""
    description = table.description or {}
    if not str((description.get("runtime") or {}).get("device", "cpu")).startswith("cpu"):
        return {}
    machine = description.get("machine")
    caches = machine.get("caches") if isinstance(machine, Mapping) else None
    if not isinstance(caches, Mapping):
        return {}
    return {str(name): size for name, size in caches.items() if isinstance(size, int) and size > 0}
