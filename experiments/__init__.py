"""Commands: prepare a corpus, inspect it, pre-train, evaluate, export."""

from experiments.run.quiet import mute_tensorflow

mute_tensorflow()
