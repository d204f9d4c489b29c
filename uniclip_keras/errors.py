"""The exception for mistakes in what the user gave, and hints for its text."""

import difflib
import re


class InputError(ValueError):
    """Bad input from the user: a path, a configuration value, a file.

    The message is one sentence that names the value, what is allowed and
    what to do. The experiment scripts print it without a traceback and exit
    with status 2; in notebooks it is an ordinary `ValueError`.
    """


def suggest(name, known):
    """The end of an error sentence: what an unknown name may have meant.

    This is `"; did you mean 'x'"` for a name close to one of the known ones,
    else `"; choose from x, y"`.
    """
    known = [str(one) for one in known]
    close = difflib.get_close_matches(str(name), known, n=1)
    if close:
        return f"; did you mean {close[0]!r}"
    return f"; choose from {', '.join(known)}"


def input_error_in(error):
    """Returns the `InputError` inside an error of a dataset, or None.

    Datasets call Python and can only raise TensorFlow's errors, whose text
    holds that of the first one.
    """
    name = f"{InputError.__module__}.{InputError.__name__}"
    found = re.findall(rf"^{re.escape(name)}: (.*)$", str(error), re.MULTILINE)
    return InputError(found[-1]) if found else None
