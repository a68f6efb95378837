"""Search strategies by energy, after Yarally et al., CAIN 2023."""
