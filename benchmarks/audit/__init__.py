"""Faults in energy studies, found in their tables and traces."""
