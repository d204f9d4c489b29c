"""How each corpus is made."""
