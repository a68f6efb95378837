"""The live loop of a comparison, and its record."""
