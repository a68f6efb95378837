"""Energy sources, a folder per family; `resolve` finds those that a meter's text names."""
