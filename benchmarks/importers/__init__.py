"""Trial tables from what other tools recorded."""
