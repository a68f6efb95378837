"""The version and the day that it was made, written once."""

__version__ = "1.0.0rc1"
RELEASED = "2026-11-27"
