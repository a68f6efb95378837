"""Expected improvement weighed against joules, as an Optuna sampler; the body is perjoule's."""

from perjoule.tuners.frugal_sampler import FrugalSampler

__all__ = ["FrugalSampler"]
