"""Speed and memory of the input pipeline."""
