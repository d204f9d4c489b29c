"""Views of small images: by the chunk, and image by image.

    python -m experiments.benchmarks.small_images

Chunks of pixels that are in memory become the views of `demo.py`, without
their colors, which both ways compute by the chunk. One thread, and the least
processor time of several rounds in turn.
"""

import time

import numpy as np
import tensorflow as tf

from experiments.benchmarks import benchmark
from experiments.configs import demo
from experiments.run.hardware import describe_hardware
from uniclip_keras.data import augmentation
from uniclip_keras.data.python_calls import thread_options

OPTIONS = {
    "size": (72, "Height and width of the images, in pixels.", 1),
    "chunk": (32, "Images of a chunk.", 1),
    "chunks": (64, "Chunks of a round.", 1),
    "rounds": (5, "Turns of each way.", 1),
}


def main(options):
    """Measures both ways, and prints the time of an image."""
    config = demo.get_config()
    recipe = augmentation.recipe_from_config(config.data.views)
    rng = np.random.default_rng(0)
    shape = [options.chunk, options.size, options.size, 3]
    images = tf.constant(rng.integers(0, 256, shape, np.uint8))
    shapes = tf.fill([options.chunk, 2], options.size)

    def seeds(number):
        rows = number * options.chunk + tf.range(options.chunk, dtype=tf.int64)
        return tf.stack([tf.zeros_like(rows), rows], axis=1)

    def by_chunk(number):
        vectors = augmentation.sample_many_vectors(
            recipe, shapes, seeds(number)
        )
        return augmentation.cut_small_images(
            images, shapes, vectors, config.image_size
        )

    def cut(image, seed):
        vectors = augmentation.sample_vectors(
            recipe, options.size, options.size, seed
        )
        return augmentation.cut_views(image, vectors, config.image_size)

    def by_image(number):
        each = tf.data.Dataset.from_tensor_slices((images, seeds(number)))
        return each.map(cut).batch(options.chunk).get_single_element()

    print(describe_hardware(1, ["tensorflow"]))
    ways = {"by the chunk": by_chunk, "image by image": by_image}
    least = dict.fromkeys(ways, float("inf"))
    for _ in range(options.rounds):
        for name, way in ways.items():
            least[name] = min(least[name], measure(way, options.chunks))
    views = len(recipe)
    for name, seconds in least.items():
        each = 1e3 * seconds / (options.chunk * options.chunks)
        print(f"{name}: {each:.3f} ms an image of {views} views")
    ratio = least["image by image"] / least["by the chunk"]
    print(f"{ratio:.2f} times as fast by the chunk")


def measure(way, chunks):
    """Processor seconds of some chunks, after one that is not counted."""
    made = tf.data.Dataset.range(1 + chunks).map(way)
    iterator = iter(made.with_options(thread_options(1)))
    next(iterator)
    start = time.process_time()
    for _ in iterator:
        pass
    return time.process_time() - start


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
