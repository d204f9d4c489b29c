"""Sets to evaluate a model on, whatever it was trained on."""
