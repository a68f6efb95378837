"""The layers of a network by their energy, after Yarally et al., CAIN 2023."""
