"""Architectures, places and meters, after Xu et al., HICSS 2023."""
