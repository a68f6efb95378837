"""The commented experiment file that ``perjoule init`` writes."""

from __future__ import annotations

from textwrap import fill

from ...energy.sources.resolve import meters_help
from ...models.data.registry import datasets_help
from ...models.metric import metrics_help
from ...models.networks.registry import architectures_help
from .experiment import DEFAULT_BUDGET, DEFAULT_SEEDS, DEFAULT_STRATEGIES


def _comment(text: str) -> str:
    return fill(text, 98, initial_indent="# ", subsequent_indent="# ")


EXAMPLE = f"""\
# An experiment for `perjoule compare FILE` and `perjoule tune FILE`. Every line is optional; those
# without # are the defaults.

# What is trained.
{_comment(f"Data sets: {datasets_help()}.")}
dataset: digits
# train_limit: 5000          # samples to train on at most, each class in its share
split_seed: 0                # of the train/validation/test split
{_comment(f"What is built: {architectures_help()}.")}
architecture: cnn
# In place of all these, a training function of your own; it needs a space
# (docs/how-to/own-loop.md):
# objective: mine:train      # the function train in mine.py
{_comment(f"What is optimised: {metrics_help()}.")}
metric: accuracy

# What is compared, and for how many joules.
strategies: [{", ".join(DEFAULT_STRATEGIES)}]   # see `perjoule strategies`; tune takes one
budget: {DEFAULT_BUDGET}                # shared by all runs; J, kJ, Wh, kWh ... or unlimited
# trials: 64                 # of each run at most
seeds: {DEFAULT_SEEDS}                     # runs per strategy; fewer than five prove nothing
fidelity: epochs             # rungs of multi-fidelity strategies: epochs, or joules
# stop_early: 0.0001         # score worth the whole budget: ends a run when nothing promises that
# warm_start: [runs/before]  # tables of earlier searches of this space, to learn from
{_comment(f"What counts joules: {meters_help()}")}
meter: auto
# workers: 4                 # trials at a time; chosen by meter and cores if not given
parallel_trials: 1           # trials of one run at a time; more are faster and learn later
fuse: 1                      # candidates of one shape in a stack at most; fewer joules a trial
# device: cpu                # cpu, cuda, cuda:1; chosen if not given
# carbon: FRA                # grams of CO2e: a country, USA/CA, or "56 g/kWh"; never guessed

# The search space. Left out, the architecture's own is taken.
# A list is a choice, low/high a range (log: true for a log scale), a plain value is fixed.
# What has a when counts only where others have one of these values; elsewhere it is null.
# space:
#   conv_blocks: {{low: 1, high: 3}}             # of cnn, as the next four
#   width: {{low: 8, high: 64, log: true}}
#   kernel_size: [3, 5]
#   dropout: {{low: 0.0, high: 0.5}}
#   dense_units: 64
#   freeze: false                              # true trains the head alone
#   optimizer: [sgd, adam, adamw]              # of the training, as all that follow
#   learning_rate: {{low: 1.0e-4, high: 0.3, log: true}}
#   momentum: {{low: 0.1, high: 0.99, when: {{optimizer: sgd}}}}
#   beta1: {{low: 0.5, high: 0.99, when: {{optimizer: [adam, adamw]}}}}
#   beta2: {{value: 0.999, when: {{optimizer: [adam, adamw]}}}}
#   epsilon: {{value: 1.0e-8, when: {{optimizer: [adam, adamw]}}}}
#   weight_decay: {{low: 1.0e-6, high: 1.0e-2, log: true}}
#   schedule: [constant, cosine, one-cycle, step]
#   warmup_share: {{low: 0.0, high: 0.3, when: {{schedule: [cosine, step]}}}}  # of all steps
#   label_smoothing: {{low: 0.0, high: 0.2}}
#   gradient_clip: 1.0                         # largest norm
#   augmentation: [none, flip, shift, cutout, flip+shift]
#   batch_size: {{low: 16, high: 512, log: true}}  # or log2_batch_size: {{low: 4, high: 9}}
#   precision: auto                            # auto, bf16, float32
#   patience: 0                                # epochs without a better score that end a training
#   epochs: {{low: 1, high: 16, log: true}}
"""
