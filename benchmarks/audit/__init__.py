"""Faults in energy studies, found in their tables and traces."""

from .catalogue import CHECKS, Check, Finding
from .study import Audit, Checked, Input, audit

__all__ = ["Audit", "CHECKS", "Check", "Checked", "Finding", "Input", "audit"]
