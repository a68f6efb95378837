"""The statistics of a comparison: what runs show, and whether it is more than chance."""
