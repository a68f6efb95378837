"""Search strategies, one file each, which opens with an example.

All are made from a space, the seed of a run and its `Task`; further arguments are options.
"""
