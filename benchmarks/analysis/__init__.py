"""The analysis of a trial table: groups, criteria, tests, verdict, and all words about them."""

from .analysing import DEFAULT_TARGET, Analysis, analyse

__all__ = ["DEFAULT_TARGET", "Analysis", "analyse"]
