"""Benchmarks of speed and memory; each one prints a table."""
