"""Batches of `training_dataset` as lists of NumPy arrays."""

import numpy as np
from samples import sample_members
from samples import write_tar

from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.data import augmentation
from uniclip_keras.data import training_dataset

SIZE = 16
RECIPE = augmentation.recipe_from_config(["weak", "strong"])


def make_tokenizer():
    captions = [f"caption {n} number{n}" for n in range(20)]
    captions += [f"class{n} a photo of kind{n}" for n in range(9)]
    return SubwordTokenizer.train([*captions, "red heart\nrotes herz"], 200, 16)


def write_nine_samples(folder):
    """Three tars of ids 0 to 8, each sample with two captions of its own."""
    for shard in range(3):
        members = []
        for number in range(3 * shard, 3 * shard + 3):
            captions = (f"caption {number}", f"number{number}")
            members += sample_members(f"k{number}", number, captions)
        write_tar(folder / f"s-{shard}.tar", members)
    return str(folder / "s-*.tar")


def make_dataset(source, tokenizer, seed=0, batch_size=6, **options):
    return training_dataset(
        source, tokenizer, RECIPE, SIZE, batch_size, seed, **options
    )


def to_numpy(dataset, count):
    return [
        {name: value.numpy() for name, value in batch.items()}
        for batch in dataset.take(count)
    ]


def batches(source, tokenizer, count, **options):
    return to_numpy(make_dataset(source, tokenizer, **options), count)


def assert_equal_batches(one, other):
    for first, second in zip(one, other, strict=True):
        assert first.keys() == second.keys()
        for name in first:
            np.testing.assert_array_equal(first[name], second[name])
