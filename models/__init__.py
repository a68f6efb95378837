"""Candidates: the space they come from, the data they learn, how they are built and trained."""
