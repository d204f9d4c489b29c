"""Configurations of earlier versions, which lack options added since."""

from experiments.configs.base import base

# What runs did before an option was there, where its default of today is
# something else.
EARLIER = {
    # Views were not rounded to 8 bits.
    "data.views_dtype": "float32",
    # Any number of bad samples was skipped.
    "data.max_bad_share": 1.0,
}
# Sections whose options `base()` lists. The keys of all others, such as the
# names of sources and the options of a kind, are the user's.
SECTIONS = (
    "data",
    "tokenizer",
    "model",
    "optimizer",
    "validation",
    "evaluation",
)


def complete(config):
    """Adds the options that a configuration of an earlier version lacks.

    They get their value of `EARLIER`, else their default.

    Args:
        config: The configuration of a run, a dict.

    Returns:
        A dict with every option of `base()`.
    """
    return _complete(config, base().to_dict(), "")


def _complete(config, defaults, prefix):
    found = dict(config)
    for name, default in defaults.items():
        if name not in config:
            found[name] = EARLIER.get(prefix + name, default)
        elif prefix + name in SECTIONS:
            found[name] = _complete(config[name], default, f"{name}.")
    return found
