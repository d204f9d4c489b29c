"""Where image-text pairs come from.

Every source has the same three methods, which is all that the pipeline and
the evaluation use:

- `dataset(seed, shuffle, bad_samples)`: one pass as a `tf.data.Dataset` of
  `{"key": string, "image": encoded bytes, "text": captions joined by a
  newline, "id": int64}`;
- `samples(bad_samples)`: one pass as a plain Python iterator, with the
  sample's metadata;
- `count()`: samples in one pass, bad ones included.
"""

import dataclasses

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data import paths
from uniclip_keras.data import shards as tars
from uniclip_keras.errors import InputError

ELEMENT_SPEC = {
    "key": tf.TensorSpec([], tf.string),
    "image": tf.TensorSpec([], tf.string),
    "text": tf.TensorSpec([], tf.string),
    "id": tf.TensorSpec([], tf.int64),
}


class WebDataset:
    """Tars of `key.png`, `key.txt`, `key.json`, as img2dataset writes them.

    Args:
        patterns: A path, or a list of paths; each may be a folder (all its
            tars), and may hold globs and braces: `train-{00000..00012}.tar`.
        id_field: JSON field of the sample's id: an integer is taken as it
            is, a string through a stable hash. None: the hash of the
            captions, so that identical captions share one id.
        caption_field: JSON field with the list of captions. None: `key.txt`.

    Raises:
        InputError: A pattern matches nothing, or the first readable tar has
            no sample with image, text and the two fields.

    Example:

    ```python
    source = WebDataset("data/emoji/train-*.tar", id_field="id",
                        caption_field="captions")
    ```
    """

    def __init__(self, patterns, id_field=None, caption_field=None):
        self.shards = paths.find_files(patterns)
        self.id_field = id_field
        self.caption_field = caption_field
        self._count = None
        self._check()

    def dataset(self, seed=0, shuffle=False, bad_samples=None):
        """One pass over the samples.

        Args:
            seed: Of the order of the shards; a new order in every pass.
            shuffle: Shuffles the shards and interleaves four of them. To
                mix samples, shuffle the result once more with a buffer.
            bad_samples: A `BadSamples` that counts what is skipped, or None.

        Returns:
            A `tf.data.Dataset` of `ELEMENT_SPEC`, the same in every process.
        """

        def read(path):
            # One call per shard: only here does the pipeline wait for Python.
            columns = self._read_columns(path.decode(), bad_samples)
            return tuple(columns[name] for name in ELEMENT_SPEC)

        def shard_dataset(path):
            dtypes = [spec.dtype for spec in ELEMENT_SPEC.values()]
            columns = tf.numpy_function(read, [path], dtypes)
            for column in columns:
                column.set_shape([None])
            return tf.data.Dataset.from_tensor_slices(
                dict(zip(ELEMENT_SPEC, columns, strict=True))
            )

        shards = tf.data.Dataset.from_tensor_slices(self.shards)
        if not shuffle:
            return shards.flat_map(shard_dataset)
        shards = shards.shuffle(len(self.shards), seed=seed)
        return shards.interleave(shard_dataset, cycle_length=4, block_length=16)

    def samples(self, bad_samples=None):
        """One pass in the order of the shards, in plain Python.

        Args:
            bad_samples: A `BadSamples` that counts what is skipped, or None.

        Yields:
            Dicts of `key` str, `image` encoded bytes, `text` str, `id` int,
            `metadata` dict (the sample's JSON).
        """
        for shard in self.shards:
            yield from tars.read_samples(
                shard, self.id_field, self.caption_field, bad_samples
            )

    def count(self):
        """Samples in the tars, bad ones included, from the headers alone."""
        if self._count is None:
            self._count = sum(tars.count_samples(path) for path in self.shards)
        return self._count

    def _read_columns(self, path, bad_samples):
        fields = (self.id_field, self.caption_field)
        samples = list(tars.read_samples(path, *fields, bad_samples))
        strings = {
            name: np.array(
                [tf.compat.as_bytes(s[name]) for s in samples], object
            )
            for name in ("key", "image", "text")
        }
        return strings | {"id": np.array([s["id"] for s in samples], np.int64)}

    def _check(self):
        """Looks for one good sample before any work starts."""
        for shard in self.shards:
            tally = bad.BadSamples()
            fields = (self.id_field, self.caption_field)
            if next(tars.read_samples(shard, *fields, tally), None):
                return
            # A broken tar is skipped like a broken image, as long as
            # another one can be read.
            if bad.TRUNCATED_TAR not in tally.counts:
                raise InputError(self._why_nothing_good(shard, tally))
        raise InputError(
            f"None of the {len(self.shards)} tars can be read, beginning with "
            f"'{self.shards[0]}': they are empty, cut off or no tars; write "
            "them again."
        )

    def _why_nothing_good(self, shard, tally):
        kinds = tally.counts
        if not kinds:
            return (
                f"The tar '{shard}' is empty: write it again, or leave it out."
            )
        _, members = next(tars.read_members(shard))
        suffixes = ", ".join(f".{suffix}" for suffix in sorted(members))
        kind = max(kinds, key=kinds.get)
        if kind == bad.MISSING_TEXT and self.caption_field is None:
            return (
                f"The tar '{shard}' has no texts, its samples hold {suffixes}: "
                "each needs a .txt, or captions in its .json and "
                "`caption_field` to name them."
            )
        if kind == bad.MISSING_IMAGE:
            allowed = ", ".join(f".{suffix}" for suffix in tars.IMAGE_SUFFIXES)
            return (
                f"The tar '{shard}' has no images, its samples hold "
                f"{suffixes}: each needs one of {allowed}."
            )
        if kind in (bad.MISSING_TEXT, bad.MISSING_ID):
            option = "caption_field" if kind == bad.MISSING_TEXT else "id_field"
            fields = sorted(tars.read_metadata(members)) or ["none at all"]
            return (
                f"The samples of '{shard}' have no usable JSON field "
                f"'{getattr(self, option)}' ({option}): their fields are "
                f"{', '.join(fields)}; name one of them."
            )
        return (
            f"The tar '{shard}' has no good sample ({tally.summary()}): write "
            "it again, or leave it out."
        )


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Several sources, drawn from by weight, each repeated without end.

    Attributes:
        sources: The sources.
        weights: The chance of each to give the next sample; they sum to 1.
    """

    sources: tuple
    weights: tuple

    def samples(self, bad_samples=None):
        """One pass over every source, one after the other."""
        for source in self.sources:
            yield from source.samples(bad_samples)

    def count(self):
        """Samples in all the sources together."""
        return sum(source.count() for source in self.sources)


def mix(sources, weights=None):
    """Mixes sources for training.

    Args:
        sources: Sources with the methods named above.
        weights: Positive numbers, one per source, in any scale: 5 and 1 take
            five samples of six from the first. None: equal weights.

    Returns:
        A `Mixture`.

    Raises:
        InputError: The weights do not fit the sources.
    """
    sources = tuple(sources)
    weights = [1.0] * len(sources) if weights is None else list(weights)
    if not sources:
        raise InputError(
            "The list of sources to mix is empty: give at least one."
        )
    if len(weights) != len(sources) or min(weights) <= 0:
        raise InputError(
            f"The weights {weights} do not fit {len(sources)} sources: give "
            "one positive number for each."
        )
    total = float(sum(weights))
    return Mixture(sources, tuple(weight / total for weight in weights))
