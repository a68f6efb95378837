"""All statistics of a trial table, by group and strategy: `CONTRACT.md` documents their JSON."""

from .analysing import Analysis, analyse

__all__ = ["Analysis", "analyse"]
