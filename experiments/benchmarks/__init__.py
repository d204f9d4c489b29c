"""Measurements of speed and memory; each script prints a table."""
