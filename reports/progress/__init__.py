"""Progress on stderr: how a comparison, a study and a replay go, and how long they still take."""

from .comparing import ComparisonProgress
from .console import open_console
from .replaying import ReplayProgress
from .studying import StudyProgress

__all__ = ["ComparisonProgress", "ReplayProgress", "StudyProgress", "open_console"]
