"""The training step beside plain Keras `fit` and PyTorch."""
