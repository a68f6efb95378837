"""Imported by the helper that workers are forked from, and by nobody else."""

from .helper import load_what_is_wanted

load_what_is_wanted()
