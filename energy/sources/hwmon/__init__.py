"""Sensors of Linux's hwmon."""
