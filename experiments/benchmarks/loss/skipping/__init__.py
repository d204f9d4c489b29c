"""Which tiles of the loss's backward pass could be skipped."""
