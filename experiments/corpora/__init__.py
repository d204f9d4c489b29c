"""How each corpus is made: its pictures, its texts, its files."""
