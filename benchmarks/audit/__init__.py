"""Faults in energy studies, found in their tables and traces."""

from .catalogue import CHECKS, Check, Finding
from .inputs import Input
from .study import Audit, Checked, audit

__all__ = ["Audit", "CHECKS", "Check", "Checked", "Finding", "Input", "audit"]
