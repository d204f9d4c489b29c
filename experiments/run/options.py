"""Values of configuration options on the command line.

    --config.model.augmentation_units=None
    --config.data.views="['weak', {'preset': 'strong', 'flip': 0.0}]"

ml_collections reads numbers, texts and tuples. Here `None` and lists join
them, written as in Python.
"""

import ast

from absl import flags
from ml_collections import config_flags


def register():
    """Lets options that hold numbers, tuples or lists be read so."""
    for kind in (int, float, tuple, list):
        config_flags.register_flag_parser_for_type(kind, _Parser(kind))


class _Parser(flags.ArgumentParser):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def parse(self, argument):
        value = argument
        if isinstance(argument, str):
            try:
                value = ast.literal_eval(argument)
            except (SyntaxError, ValueError):
                value = argument
        if value is None:
            return None
        several = self.kind in (tuple, list)
        if several and not isinstance(value, (tuple, list)):
            # One alone, without its brackets.
            value = [value]
        # Not `int`, which would cut 1.5 and take True for 1.
        fits = isinstance(value, (int, float)) or several
        if isinstance(value, bool) or not fits:
            raise ValueError(f"give a number or None, in place of {argument!r}")
        if self.kind is int and value != int(value):
            raise ValueError(f"give a whole number, in place of {argument!r}")
        return self.kind(value)

    def flag_type(self):
        return self.kind.__name__
