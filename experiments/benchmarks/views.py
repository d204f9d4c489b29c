"""What further views cost in a training step, at full and at lower resolution.

    python -m experiments.benchmarks.views --view_size=16

UniCLIP of the emoji configuration takes steps on random batches of equal items:
with one view of each, and with more, as they are and with the views after the
first resized (`model.view_size`). The cases take turns in one process; ratios
are those of their median processor times. Making the views is not included.
"""

import types

import tensorflow as tf

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.configs import emoji
from experiments.run import building
from experiments.run.hardware import describe_hardware
from uniclip_keras.data.augmentation import VECTOR_SIZE

OPTIONS = {
    "views": (3, "The most views of an item.", 2),
    "view_size": (16, "Pixels per side of small views.", 1),
    "vocabulary": (6000, "Token ids.", 3),
    "repeats": (12, "Timed steps of each case.", 1),
    "threads": (1, "Threads to compute with.", 1),
}


def main(options):
    """Measures and prints."""
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    print(describe_hardware(options.threads, ["tensorflow", "keras"]))
    config = emoji.get_config()
    cases = [(1, None)]
    for views in range(2, options.views + 1):
        cases += [(views, None), (views, options.view_size)]
    steps = {
        case: make_step(config, *case, options.vocabulary) for case in cases
    }
    seconds = measuring.processor_medians(steps, options.repeats)
    print(format_table(seconds, config.image_size))


def make_step(config, views, size, vocabulary):
    """Returns a function that trains on one batch, traced and warmed up."""
    config = config.copy_and_resolve_references()
    with config.unlocked():
        config.model.view_size = size
    tokenizer = types.SimpleNamespace(vocabulary_size=vocabulary)
    model = building.build_model(config, tokenizer)
    model.compile(optimizer=building.build_optimizer(config, model))
    model.optimizer.build(model.trainable_variables)
    items, side = config.batch_size, config.image_size
    length = config.tokenizer.context_length
    batch = {
        "views": tf.random.uniform([items, views, side, side, 3]),
        "augmentations": tf.random.normal([items, views, VECTOR_SIZE]),
        "tokens": tf.random.uniform([items, length], 1, vocabulary, tf.int32),
        "id": tf.range(items, dtype=tf.int64),
    }
    step = tf.function(lambda: model.train_step(batch), autograph=False)
    step()
    step()
    return step


def format_table(seconds, full):
    """Formats seconds and their ratios to the first case."""
    first = next(iter(seconds.values()))
    rows = [
        [
            str(views),
            f"{size or full}" if views > 1 else "-",
            f"{value:.3f}",
            f"{value / first:.2f}",
        ]
        for (views, size), value in seconds.items()
    ]
    header = ["views", "pixels of the others", "processor s", "to one view"]
    return measuring.markdown_table(header, rows)


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
