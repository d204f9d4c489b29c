"""What short texts cost in a text encoder, with and without their padding.

    python -m experiments.benchmarks.texts --context=77 --lengths=10,20,40

A text transformer takes a forward and a backward pass over random texts, most
of them short: their lengths are a geometric distribution with the mean
`--mean`, of at least 3 tokens. With `text_lengths` of `UniCLIP`, texts are cut
to the shortest length that holds them. Both must give the same features and
gradients.
"""

import numpy as np
import tensorflow as tf

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.run.hardware import describe_hardware
from uniclip_keras import models
from uniclip_keras.models.short_texts import features_of_texts

OPTIONS = {
    "batch": (128, "Texts per step.", 1),
    "mean": (10, "Mean tokens of a text.", 4),
    "context": (77, "Tokens of the context.", 4),
    "lengths": (["10", "20", "40"], "What texts are cut to."),
    "width": (512, "Of the encoder.", 8),
    "layers": (4, "Of the encoder.", 1),
    "vocabulary": (8000, "Token ids.", 4),
    "repeats": (5, "Timed steps of each case.", 1),
    "threads": (1, "Threads to compute with.", 1),
}
# Of gradients, to the size of the largest of each weight.
TOLERANCE = 1e-6


def main(options):
    """Measures, compares and prints."""
    lengths = benchmark.parse_integers("lengths", options.lengths, 2)
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    print(describe_hardware(options.threads, ["tensorflow", "keras"]))
    encoder = models.clip_text(
        options.vocabulary,
        options.context,
        options.width,
        options.layers,
        options.width // 8,
        pooling="mean",
    )
    tokens = make_tokens(
        options.batch, options.mean, options.context, options.vocabulary
    )
    cases = {
        "padded": make_step(encoder, tokens, ()),
        "cut": make_step(encoder, tokens, lengths),
    }
    features, gradients = (
        largest_difference(*pair)
        for pair in zip(*(step() for step in cases.values()), strict=True)
    )
    seconds = measuring.processor_medians(cases, options.repeats)
    rows = [
        [name, f"{value:.3f}", f"{seconds['padded'] / value:.2f}"]
        for name, value in seconds.items()
    ]
    header = ["texts", "processor s/step", "padded to it"]
    print(measuring.markdown_table(header, rows))
    print(
        f"mean tokens {np.count_nonzero(tokens, 1).mean():.1f}; largest "
        f"difference of features {features:.1e}, of gradients {gradients:.1e}"
    )
    if max(features, gradients) > TOLERANCE:
        raise RuntimeError(f"The differences are above {TOLERANCE}.")


def make_tokens(rows, mean, context, vocabulary):
    """Returns random texts, int32 `[rows, context]`, padded by 0."""
    rng = np.random.default_rng(0)
    lengths = np.minimum(2 + rng.geometric(1 / (mean - 2), rows), context)
    tokens = rng.integers(1, vocabulary, (rows, context), "int32")
    return np.where(np.arange(context) < lengths[:, None], tokens, 0)


def make_step(encoder, tokens, lengths):
    """Returns a function: features and gradients of one batch, traced."""
    tokens = tf.constant(tokens)

    @tf.function(autograph=False)
    def step():
        with tf.GradientTape() as tape:
            features = features_of_texts(encoder, tokens, lengths, True)
            loss = tf.reduce_sum(tf.sin(features))
        weights = [w.value for w in encoder.trainable_weights]
        gradients = tape.gradient(loss, weights)
        return [features], [tf.convert_to_tensor(g) for g in gradients]

    step()
    return step


def largest_difference(found, expected):
    """The largest difference of tensors, to the largest value of all."""
    largest = max(np.abs(one).max() for one in expected)
    return max(
        np.abs(np.subtract(one, other)).max() / largest
        for one, other in zip(found, expected, strict=True)
    )


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
