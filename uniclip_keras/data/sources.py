"""Where image-text pairs come from.

Every source has the same three methods, which is all that the pipeline and
the evaluation use:

- `dataset(seed, shuffle, bad_samples)`: one pass as a `tf.data.Dataset` of
  `{"key": string, "image": encoded bytes, "text": captions or a class's names
  joined by a newline, "is_name": bool, "id": int64}`;
- `samples(bad_samples)`: one pass as a plain Python iterator, with the
  sample's metadata;
- `count()`: samples in one pass, bad ones included.

Equal ids are positives, wherever in a mixture or on whatever replica the
samples are. The id of a text is a hash of 63 bits, which meets no other one,
nor a number given as an id, but by a chance of billions to one.
"""

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
    "is_name": tf.TensorSpec([], tf.bool),
    "id": tf.TensorSpec([], tf.int64),
}


class WebDataset:
    """Tars of `key.png`, `key.txt`, `key.json`, as img2dataset writes them.

    Args:
        patterns: A path, or a list of paths; each may be a folder (all its
            tars), and may hold globs and braces: `train-{00000..00012}.tar`.
        id_field: JSON field of the sample's id: an integer is taken as it
            is, a string through a stable hash. None: the hash of the
            captions, so that captions that differ in case at most share one
            id, with each other and with the class of that name.
        caption_field: JSON field with the list of captions. None: `key.txt`.
        id_space: Sources in a mixture share the values of their `id_field`,
            as two sets of drawings of the same items should. Give those that
            count for themselves a name each, to keep their ids apart.

    Raises:
        InputError: A pattern matches nothing, or the first readable tar has
            no sample with image, text and the two fields, or there is an
            `id_space` without an `id_field`.

    Example:

    ```python
    source = WebDataset("data/emoji/train-*.tar", id_field="id",
                        caption_field="captions")
    ```
    """

    # The option that names the JSON field of what samples may lack, the
    # member read where it is None, and what is in it.
    _lookups = {
        bad.MISSING_TEXT: ("caption_field", "txt", "texts"),
        bad.MISSING_ID: ("id_field", None, "ids"),
    }

    def __init__(
        self, patterns, id_field=None, caption_field=None, id_space=None
    ):
        if id_space is not None and id_field is None:
            raise InputError(
                f"The id_space {id_space!r} has no id_field beside it: name "
                "the field of the ids to keep apart, or leave it out."
            )
        self.id_field = id_field
        self.caption_field = caption_field
        self.id_space = id_space
        self._find(patterns)

    def _find(self, patterns):
        self.shards = paths.find_files(patterns)
        self._count = None
        self._check()

    def _parse(self, key, members):
        return tars.parse_sample(
            key, members, self.id_field, self.caption_field, self.id_space
        )

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
            Dicts of `key` str, `image` encoded bytes, `text` str, `is_name`
            bool, `id` int, `metadata` dict (the sample's JSON).
        """
        for shard in self.shards:
            yield from tars.read_samples(shard, self._parse, bad_samples)

    def count(self):
        """Samples in the tars, bad ones included, from the headers alone."""
        if self._count is None:
            self._count = sum(tars.count_samples(path) for path in self.shards)
        return self._count

    def _read_columns(self, path, bad_samples):
        samples = list(tars.read_samples(path, self._parse, bad_samples))
        strings = {
            name: np.array(
                [tf.compat.as_bytes(s[name]) for s in samples], object
            )
            for name in ("key", "image", "text")
        }
        return strings | {
            "is_name": np.array([s["is_name"] for s in samples], bool),
            "id": np.array([s["id"] for s in samples], np.int64),
        }

    def _check(self):
        """Looks for one good sample before any work starts."""
        for shard in self.shards:
            tally = bad.BadSamples()
            if next(tars.read_samples(shard, self._parse, tally), None):
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
        if not tally.counts:
            return (
                f"The tar '{shard}' is empty: write it again, or leave it out."
            )
        kind = max(tally.counts, key=tally.counts.get)
        members = next(
            members
            for key, members in tars.read_members(shard)
            if key in tally.examples[kind]
        )
        return self._why(kind, shard, members) or (
            f"The tar '{shard}' has no good sample ({tally.summary()}): write "
            "it again, or leave it out."
        )

    def _why(self, kind, shard, members):
        """What to do about samples of a bad kind, None where it is plain."""
        suffixes = ", ".join(f".{suffix}" for suffix in sorted(members))
        if kind == bad.MISSING_IMAGE:
            allowed = ", ".join(f".{suffix}" for suffix in tars.IMAGE_SUFFIXES)
            return (
                f"The tar '{shard}' has no images, its samples hold "
                f"{suffixes}: each needs one of {allowed}."
            )
        if kind not in self._lookups:
            return None
        option, member, what = self._lookups[kind]
        field = getattr(self, option)
        if field is None:
            return (
                f"The tar '{shard}' has no {what}, its samples hold {suffixes}:"
                f" each needs a .{member}, or a field with {what} in its .json "
                f"and `{option}` to name it."
            )
        fields = sorted(tars.read_metadata(members)) or ["none at all"]
        return (
            f"The samples of '{shard}' have no usable JSON field '{field}' "
            f"({option}): their fields are {', '.join(fields)}; name one of "
            "them."
        )
