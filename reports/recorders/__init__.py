"""A comparison in the trackers of others: one file for each, listed in `registry`."""
