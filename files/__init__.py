"""Files: written whole, and those of anybody read within bounds, whatever became of their text."""
