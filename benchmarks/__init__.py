"""Comparing strategies: the loop, its record, and the statistics."""
