"""This package's side of `input_pipeline`, in a process of its own.

python -m experiments.benchmarks.input_pipeline_ours views CORE
"""

import itertools

import tensorflow as tf

from experiments.benchmarks.input.peers import VIEWS
from experiments.benchmarks.input.peers import per_captions
from experiments.benchmarks.input.peers import serve
from experiments.benchmarks.input.peers import timed
from uniclip_keras import data
from uniclip_keras.data import augmentation

BATCH = 16
# As many are made ahead, and would not be counted.
_AHEAD = 3


class _NoTokens(data.Tokenizer):
    """Leaves the texts alone, as the other sides do that make views."""

    vocabulary_size = 1
    fingerprint = "no tokens"

    def _encode(self, texts):
        return tf.zeros([tf.shape(texts)[0], self.context_length], tf.int32)


def views():
    """Batches of the training pipeline, from a tar of the same files.

    Orders hold `{"tar": path, "samples": int, "size": pixels of a view}`.
    """
    running = {}

    def answer(order):
        key = order["tar"], order["size"]
        if key not in running:
            running[key] = iter(
                data.training_dataset(
                    data.WebDataset(order["tar"]),
                    _NoTokens(3),
                    augmentation.SLIP_RECIPE,
                    order["size"],
                    BATCH,
                    seed=0,
                    shuffle_buffer=1,
                    threads=1,
                )
            )
        batches = running[key]
        for _ in itertools.islice(batches, _AHEAD):
            pass
        count = -(-order["samples"] // BATCH)
        with timed() as clock:
            for _ in itertools.islice(batches, count):
                pass
        return {"count": VIEWS * BATCH * count, **clock.spent}

    return answer, {}


def tokens():
    """The CLIP tokenizer; orders hold its merges and the captions."""
    made = {}

    def answer(order):
        if not made:
            made["tokenizer"] = data.CLIPTokenizer(order["merges"])

        def tokenize(captions):
            ids = made["tokenizer"](tf.constant(captions))
            return int(tf.math.count_nonzero(ids))

        return per_captions(tokenize)(order)

    return answer, {}


if __name__ == "__main__":
    serve({"views": views, "tokens": tokens})
