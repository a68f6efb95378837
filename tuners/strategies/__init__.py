"""Search strategies, one file each, made from a space, a run's seed, its `Task` and options."""
