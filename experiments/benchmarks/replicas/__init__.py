"""Training on many devices: equality with one device, and its cost."""
