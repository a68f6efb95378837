"""Data sets, in fixed stratified splits; importing it loads no torch."""

from .registry import DATASETS, Dataset, check, datasets_help, load

__all__ = ["DATASETS", "Dataset", "check", "datasets_help", "load"]
