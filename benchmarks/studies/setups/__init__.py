"""Training setups to equal accuracy, after Geissler et al., ARCS 2024."""
