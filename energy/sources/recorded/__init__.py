"""Recorded traces of power or energy."""
