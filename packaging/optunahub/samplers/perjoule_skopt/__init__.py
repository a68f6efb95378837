"""scikit-optimize's models as an Optuna sampler; the body is perjoule's."""

from perjoule.tuners.parts.skopt_sampler import SkoptSampler

__all__ = ["SkoptSampler"]
