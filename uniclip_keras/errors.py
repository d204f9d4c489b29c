"""The one exception that stands for a mistake in what the user gave."""


class InputError(ValueError):
    """Bad input from the user: a path, a configuration value, a file.

    The message is one sentence that names the value, what is allowed and
    what to do. The experiment scripts print it without a traceback and exit
    with status 2; in notebooks it is an ordinary `ValueError`.
    """
