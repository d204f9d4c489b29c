"""Grids of runs: trained, evaluated and compared, with several seeds."""
