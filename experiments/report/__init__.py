"""Pages that people look at: the training report and the data page."""
