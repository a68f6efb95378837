"""Models and environments, after del Rey et al., SEAA 2023."""
