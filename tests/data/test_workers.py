"""Each worker reads its own part: nothing twice, nothing lost."""

import itertools

import numpy as np
import pytest

from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.data import WebDataset
from uniclip_keras.data import augmentation
from uniclip_keras.data import mix
from uniclip_keras.data import training_dataset
from uniclip_keras.errors import InputError

SIZE = 8
RECIPE = augmentation.recipe_from_config(["weak"])


@pytest.fixture(scope="module")
def tokenizer():
    return SubwordTokenizer.train(["red heart", "rotes herz"], 60, 6)


@pytest.fixture
def source(write_tar, sample, tmp_path):
    """Twelve samples, ids 0 to 11, in five tars of one to four."""
    ids = iter(range(12))
    for shard, count in enumerate((1, 2, 4, 2, 3)):
        members = [sample(f"k{i}", i) for i in itertools.islice(ids, count)]
        write_tar(f"s-{shard}.tar", list(itertools.chain(*members)))
    return WebDataset(str(tmp_path / "s-*.tar"), id_field="id")


def share(source, worker, workers, passes=1):
    dataset = source.dataset(3, shuffle=True, worker=worker, workers=workers)
    return [int(element["id"]) for element in dataset.repeat(passes)]


@pytest.mark.parametrize("workers", [1, 2, 3, 5, 7])
def test_the_shares_of_a_pass_are_every_sample_once(source, workers):
    shares = [share(source, worker, workers) for worker in range(workers)]
    assert sorted(itertools.chain(*shares)) == list(range(12))
    if workers <= 5:
        # Whole tars: a tar's samples are all in one share.
        assert all({3, 4, 5, 6} & {*s} in ({3, 4, 5, 6}, set()) for s in shares)
    else:
        # More workers than tars: equal numbers of samples.
        assert all(len(s) in (1, 2) for s in shares)


def test_workers_exchange_their_files_from_pass_to_pass(source):
    """Every pass is shared anew, and is still every sample once."""
    sizes = [len(share(source, worker, 2)) for worker in range(2)]
    assert sum(sizes) == 12
    one, other = (share(source, worker, 2, passes=6) for worker in range(2))
    assert sorted(one + other) == sorted(6 * list(range(12)))
    assert set(one) == set(other) == set(range(12))


def batches(source, tokenizer, count, worker, **options):
    dataset = training_dataset(
        source,
        tokenizer,
        RECIPE,
        SIZE,
        3,
        0,
        shard_index=worker,
        num_shards=2,
        **options,
    )
    return [
        {name: value.numpy() for name, value in batch.items()}
        for batch in dataset.take(count)
    ]


def test_workers_train_on_samples_and_crops_of_their_own(source, tokenizer):
    one = batches(source, tokenizer, 4, worker=0)
    other = batches(source, tokenizer, 4, worker=1)
    vectors = [b["augmentations"] for b in one + other]
    vectors = np.concatenate(vectors).reshape(-1, 11)
    assert len(np.unique(vectors, axis=0)) == len(vectors)
    again = batches(source, tokenizer, 2, worker=1, first_batch=2)
    for batch, expected in zip(again, other[2:], strict=True):
        for name in expected:
            np.testing.assert_array_equal(batch[name], expected[name])


def test_a_mixture_is_shared_part_by_part(source, tokenizer):
    seen = set()
    for worker in range(2):
        for batch in batches(
            mix([source, source]), tokenizer, 12, worker, with_keys=True
        ):
            seen |= {*zip(batch["source"], batch["id"], strict=True)}
    assert len(seen) == 24


@pytest.mark.parametrize("worker", [-1, 2])
def test_a_worker_that_is_none(source, tokenizer, worker):
    with pytest.raises(
        InputError, match=f"shard_index={worker} is not allowed"
    ):
        batches(source, tokenizer, 1, worker)
