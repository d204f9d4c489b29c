"""Shards of a pass: each process reads its own, and none reads twice."""

import itertools

import numpy as np
import pytest
from samples import sample_members
from samples import write_tar

from uniclip_keras import data
from uniclip_keras.errors import InputError


@pytest.fixture(scope="module")
def tokenizer():
    texts = ["red heart", "rotes herz"]
    return data.SubwordTokenizer.train(texts, 60, 6)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Twelve samples, ids 0 to 11, in five tars of one to four."""
    folder = tmp_path_factory.mktemp("tars")
    ids = iter(range(12))
    for number, count in enumerate((1, 2, 4, 2, 3)):
        some = itertools.islice(ids, count)
        samples = [sample_members(f"k{one}", one) for one in some]
        write_tar(folder / f"s-{number}.tar", itertools.chain(*samples))
    return data.WebDataset(str(folder / "s-*.tar"), id_field="id")


def ids_of(source, shard_index, num_shards, passes=1):
    dataset = source.dataset(
        3, shuffle=True, shard_index=shard_index, num_shards=num_shards
    )
    return [int(sample["id"]) for sample in dataset.repeat(passes)]


@pytest.mark.parametrize("num_shards", [1, 2, 5, 7])
def test_the_shards_of_a_pass_hold_every_sample_once(source, num_shards):
    shards = [ids_of(source, index, num_shards) for index in range(num_shards)]
    assert sorted(itertools.chain(*shards)) == list(range(12))
    if num_shards <= 5:
        # Whole tars: all samples of a tar are in one shard.
        whole = {3, 4, 5, 6}
        assert all(whole & {*shard} in (whole, set()) for shard in shards)
    else:
        # More shards than tars: equal numbers of samples.
        assert all(len(shard) in (1, 2) for shard in shards)


def test_shards_exchange_their_files_from_pass_to_pass(source):
    assert sum(len(ids_of(source, index, 2)) for index in range(2)) == 12
    one, other = (ids_of(source, index, 2, passes=6) for index in range(2))
    assert sorted(one + other) == sorted(6 * list(range(12)))
    assert set(one) == set(other) == set(range(12))


def batches(source, tokenizer, count, shard_index, **options):
    recipe = data.augmentation.recipe_from_config(["weak"])
    shard = {"shard_index": shard_index, "num_shards": 2, **options}
    dataset = data.training_dataset(
        source, tokenizer, recipe, 8, 3, 0, with_keys=True, **shard
    )
    return list(dataset.take(count).as_numpy_iterator())


def test_shards_have_samples_and_crops_of_their_own(source, tokenizer):
    """A run that resumes goes on in its own shard."""
    one, other = (batches(source, tokenizer, 4, index) for index in range(2))
    vectors = [batch["augmentations"] for batch in one + other]
    vectors = np.concatenate(vectors).reshape(-1, 11)
    assert len(np.unique(vectors, axis=0)) == len(vectors)
    again = batches(source, tokenizer, 2, 1, first_batch=2)
    for batch, expected in zip(again, other[2:], strict=True):
        for name in expected:
            np.testing.assert_array_equal(batch[name], expected[name])


def test_each_part_of_a_mixture_is_split(source, tokenizer):
    seen = set()
    for index in range(2):
        for batch in batches(data.mix([source, source]), tokenizer, 12, index):
            seen |= {*zip(batch["source"], batch["id"], strict=True)}
    assert len(seen) == 24


@pytest.mark.parametrize("index", [-1, 2])
def test_an_index_out_of_range_is_refused(source, tokenizer, index):
    with pytest.raises(InputError, match=f"shard_index={index} is not allowed"):
        batches(source, tokenizer, 1, index)
