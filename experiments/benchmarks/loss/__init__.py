"""Time and memory of the loss."""
