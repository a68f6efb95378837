"""Any strategies on recorded or synthetic objectives: virtual joules, no training."""

from .options import Match, ReplayOptions, SearchEnergy
from .replaying import ReplayWatcher, replay

__all__ = ["Match", "ReplayOptions", "ReplayWatcher", "SearchEnergy", "replay"]
