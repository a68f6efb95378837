"""Made-up learning curves whose first epoch tells of the last as much as a test wants."""

import numpy as np

from perjoule.tuners.parts.curve_kernel import Seen

N_RUNGS = 4


def drawn(n_trials, tells, seed=0, n_rungs=N_RUNGS, share=0.5):
    """Where scores were seen, and merits of mean 0 and variance 1.

    A share of the trials, at random, has all rungs; the others have the first one.

    Args:
        n_trials: Of two hyperparameters each.
        tells: Correlation of the first rung with the others, which agree up to a little noise.
        seed: Of all that is random.
        n_rungs: Rungs of those that go on.
        share: Of the trials that do.
    """
    random = np.random.default_rng(seed)
    features = random.random((n_trials, 2))
    quality = standard(np.sin(4 * features[:, 0]) + features[:, 1])
    luck = random.normal(size=n_trials)
    first = tells * quality + np.sqrt(1 - tells**2) * luck
    goes_on = random.random(n_trials) < share
    at = [(trial, 0, first[trial]) for trial in range(n_trials)]
    at += [
        (trial, rung, quality[trial] + 0.05 * random.normal())
        for trial in np.flatnonzero(goes_on)
        for rung in range(1, n_rungs)
    ]
    trials, rungs, merits = (np.array(each) for each in zip(*at, strict=True))
    return Seen(features[trials], trials, rungs), standard(merits)


def standard(values):
    """Values moved and stretched to mean 0 and variance 1."""
    return (values - values.mean()) / values.std()
