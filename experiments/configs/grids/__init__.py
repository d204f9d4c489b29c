"""Grids of runs for `experiments.ablate`."""
