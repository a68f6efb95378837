"""The trial table: contract, reading, mapping, writing."""
