"""How often intervals of metrics hold the truth."""
