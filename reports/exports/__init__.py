"""What a search cost, in the formats of others: one file for each, listed in `registry`."""
