"""The energy of dense networks, after Tripp et al., 2024 (BUTTER-E)."""
