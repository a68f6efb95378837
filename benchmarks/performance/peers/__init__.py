"""Other projects' optimisers as strategies, each as its authors tell a user to set it.

They are told the score and the joules of a trial. These search the full space, epochs included, and
train each trial in one piece:

=============== =================================================================================
optuna-tpe      `TPESampler` as it comes, on one study
optuna-gp       `GPSampler` as it comes, on one study
neps            NePS' Bayesian optimisation, what it takes by itself
neps-cost       the same, `cost_aware=True`, with the run's joules as the cost to spend; where it
                raises because its model predicts joules below zero, a random draw stands in
flaml           FLAML's `BlendSearch`
smac            SMAC3's facade for hyperparameters (random forest, log expected improvement)
smac-eips       the same with its expected improvement per second, a joule standing for a second
syne-botorch    Syne Tune's `BOTorch`
=============== =================================================================================

These take epochs as their fidelity, from 1 to the most of the space. What they promote goes on from
its checkpoint, whether or not the library says that it may:

==================== ============================================================================
optuna-tpe-median    `TPESampler` and `MedianPruner`, told the score of every epoch
optuna-tpe-hyperband the same with `HyperbandPruner`
optuna-gp-median     `GPSampler` and `MedianPruner`
optuna-gp-hyperband  the same with `HyperbandPruner`
neps-hyperband       what NePS takes by itself where epochs are a fidelity
neps-priorband       its PriorBand on Hyperband, without a prior
neps-priorband-prior the same with published defaults of optimisers as its prior
flaml-resource       FLAML's `BlendSearch` with epochs as its resource
smac-hyperband       SMAC3's facade for several fidelities
syne-asha            Syne Tune's successive halving that stops, with random candidates
syne-bohb            the same with kernel densities for candidates, which it calls BOHB
dehb                 differential evolution and Hyperband
==================== ============================================================================

A trial without a score, or that failed, has the error of 1 to all but Optuna, which has a state for
it. An optimiser that is not installed is left out.

    pip install neural-pipeline-search 'flaml[blendsearch]' smac 'syne-tune[botorch]'
    pip install --no-deps DEHB  # asks for NumPy 1, but goes with 2
    pip install --no-deps 'optuna>=5'  # FLAML asks for an older one, but goes with this

Left out, as of November 2026:

- ifBO (ifbo 0.4.1 in NePS 0.17.0): its weights come from a server that was not to be reached.
- NePS 0.17.0's ASHA: it promotes the best third of those not promoted yet, so all but two in the
  end.
- Syne Tune 0.16.0's ASHACQR, which takes minutes a run, and ASHABORE, which needs xgboost. It does
  not have MOBSTER any more.
"""

from __future__ import annotations

import logging
import warnings
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from perjoule.tuners.registry import Builder

from .of_dehb import make_dehb
from .of_flaml import make_flaml, make_resource
from .of_neps import NepsPeer, make_published, make_rungs
from .of_optuna import make_optuna, make_pruned
from .of_smac import make_hyperband, make_smac
from .of_syne import make_botorch, make_halving

_DISTRIBUTIONS = {
    "dehb": "DEHB",
    "flaml": "flaml",
    "neps": "neural-pipeline-search",
    "optuna": "optuna",
    "smac": "smac",
    "syne_tune": "syne-tune",
}
"""What is installed under which name, by module."""
KNOWN: dict[str, tuple[str, Builder]] = {
    "optuna-tpe": ("optuna", partial(make_optuna, "TPESampler")),
    "optuna-gp": ("optuna", partial(make_optuna, "GPSampler")),
    "optuna-tpe-median": ("optuna", partial(make_pruned, "TPESampler", "median")),
    "optuna-tpe-hyperband": ("optuna", partial(make_pruned, "TPESampler", "hyperband")),
    "optuna-gp-median": ("optuna", partial(make_pruned, "GPSampler", "median")),
    "optuna-gp-hyperband": ("optuna", partial(make_pruned, "GPSampler", "hyperband")),
    "neps": ("neps", partial(NepsPeer, "bayesian_optimization", {})),
    "neps-cost": ("neps", partial(NepsPeer, "bayesian_optimization", {"cost_aware": True})),
    "neps-hyperband": ("neps", partial(make_rungs, "hyperband")),
    "neps-priorband": ("neps", partial(make_rungs, "priorband")),
    "neps-priorband-prior": ("neps", partial(make_published, "priorband")),
    "flaml": ("flaml", make_flaml),
    "flaml-resource": ("flaml", make_resource),
    "smac": ("smac", partial(make_smac, False)),
    "smac-eips": ("smac", partial(make_smac, True)),
    "smac-hyperband": ("smac", make_hyperband),
    "syne-botorch": ("syne_tune", make_botorch),
    "syne-asha": ("syne_tune", partial(make_halving, "ASHA")),
    "syne-bohb": ("syne_tune", partial(make_halving, "BOHB")),
    "dehb": ("dehb", make_dehb),
}
"""All by name: the module that one needs, and how it is made."""
PEERS: dict[str, Builder] = {
    name: builder for name, (module, builder) in KNOWN.items() if find_spec(module)
}
"""The installed ones, by name."""


def _version(module: str) -> str:
    """Name and version of what a module was installed with."""
    name = _DISTRIBUTIONS[module]
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name}, version unknown"


VERSIONS: dict[str, str] = {name: _version(KNOWN[name][0]) for name in PEERS}
"""What each installed one is of, such as ``"optuna 5.0.0"``."""


def quieten() -> None:
    """Keep what the peers warn and log of out of the tables."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
