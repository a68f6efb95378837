"""Reading trial tables: files, data frames and run folders, each value checked."""

from .loading import Source, load_table

__all__ = ["Source", "load_table"]
