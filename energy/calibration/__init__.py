"""Calibration: idle power, and watts of a busy core, of this machine."""
