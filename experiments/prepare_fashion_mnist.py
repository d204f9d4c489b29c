"""Writes Fashion-MNIST as labeled WebDataset shards.

    apt-get install dataset-fashion-mnist
    python -m experiments.prepare_fashion_mnist --output_dir=data/fashion_mnist

The four original files come with Debian's package, or from
github.com/zalandoresearch/fashion-mnist.
"""

from absl import flags

from experiments.corpora import fashion_mnist
from experiments.run.command import run

_SOURCE_DIR = flags.DEFINE_string(
    "source_dir",
    "/usr/share/datasets/fashion-mnist",
    "Folder with the four .gz files.",
)
_OUTPUT_DIR = flags.DEFINE_string(
    "output_dir",
    "data/fashion_mnist",
    "Folder to write or to replace.",
    # One process may import both commands that prepare data.
    allow_override=True,
)


def main(argv):
    del argv
    fashion_mnist.prepare(_SOURCE_DIR.value, _OUTPUT_DIR.value)


if __name__ == "__main__":
    run(main)
