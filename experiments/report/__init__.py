"""The pages of a run: the training report and the data page."""
