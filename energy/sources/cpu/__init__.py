"""Processor time, modelled, and package joules split between workers."""
