"""Any strategies on recorded or synthetic objectives: virtual joules, no training."""

from .replaying import Match, Progress, SearchEnergy, replay

__all__ = ["Match", "Progress", "SearchEnergy", "replay"]
