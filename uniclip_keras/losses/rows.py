"""The rows of a batch, sorted so that positives stand side by side."""

from typing import NamedTuple

import tensorflow as tf

from uniclip_keras.layers.domain_similarity import unit_length
from uniclip_keras.losses.replicas import first_row
from uniclip_keras.losses.replicas import gather
from uniclip_keras.losses.replicas import replica_count

# The code of rows that only fill up a block: after all others.
NO_CODE = tf.int32.max


class Rows(NamedTuple):
    """Rows of one domain in the order of their codes.

    Attributes:
        z: float32 `[n, dim]`, unit length.
        codes: int32 `[n]`, ascending; equal codes are equal ids.
        places: int32 `[n]`, the row's place in the global batch.
    """

    z: tf.Tensor
    codes: tf.Tensor
    places: tf.Tensor


class Domain(NamedTuple):
    """One domain of the global batch as a replica sees it.

    Attributes:
        name: the domain's name.
        local: this replica's rows, the anchors.
        everyone: the rows of all replicas, the candidates, without gradient;
            on a single device the local rows.
        order: places in the gathered local rows of everyone's, or None.
    """

    name: str
    local: Rows
    everyone: Rows
    order: tf.Tensor | None

    def to_everyone(self, x):
        """A tensor `[n, ...]` of the local rows, as that of everyone's."""
        if self.order is None:
            return x
        return tf.gather(gather(x), self.order)


class Blocks(NamedTuple):
    """Rows in blocks of equal size, the last one filled up.

    Attributes:
        z: `[blocks, size, dim]`.
        codes, places: `[blocks, size]`; `NO_CODE` marks filling.
        first, last: `[blocks]`, the smallest and the largest code of a row.
    """

    z: tf.Tensor
    codes: tf.Tensor
    places: tf.Tensor
    first: tf.Tensor
    last: tf.Tensor

    def block(self, index):
        """One block, without its embeddings."""
        return Blocks(None, *(tf.gather(x, index) for x in self[1:]))

    def sizes(self):
        """Number of blocks and their size, static where known."""
        static, dynamic = self.codes.shape, tf.shape(self.codes)
        return [static[d] or dynamic[d] for d in (0, 1)]


def make_domains(embeddings, ids):
    """The domains of a batch.

    Args:
        embeddings: mapping domain -> float `[n_d, dim]`, any length.
        ids: mapping domain -> int `[n_d]`.

    Returns:
        mapping domain -> `Domain`.
    """
    ids = {
        d: tf.cast(tf.convert_to_tensor(i), tf.int64) for d, i in ids.items()
    }
    # The place of an id among all sorted ids: a code that is equal where the
    # id is, and small enough for 32 bits.
    known = tf.sort(tf.concat([gather(ids[d]) for d in embeddings], axis=0))
    domains = {}
    for name, z in embeddings.items():
        codes = tf.searchsorted(known, ids[name], out_type=tf.int32)
        count = tf.shape(z)[0]
        places = first_row(count) + tf.range(count)
        local, _ = _sorted(Rows(unit_length(z), codes, places))
        everyone, order = local, None
        if replica_count() > 1:
            gathered = Rows(*(gather(tf.stop_gradient(x)) for x in local))
            everyone, order = _sorted(gathered)
        domains[name] = Domain(name, local, everyone, order)
    return domains


def _sorted(rows):
    order = tf.argsort(rows.codes, stable=True)
    return Rows(*(tf.gather(x, order) for x in rows)), order


def block_size(count, largest):
    """The size of the fewest equal blocks of at most `largest` rows."""
    if isinstance(count, int):
        return max(1, -(-count // -(-count // largest))) if count else 1
    blocks = tf.maximum(1, -(-count // largest))
    return tf.maximum(1, -(-count // blocks))


def split(x, size, fill):
    """`[n, ...]` as `[blocks, size, ...]`, the last block filled up."""
    count = _length(x)
    missing = -count % size
    if not isinstance(missing, int) or missing:
        paddings = [[0, missing]] + [[0, 0]] * (x.shape.rank - 1)
        x = tf.pad(x, paddings, constant_values=fill)
    return tf.reshape(x, [(count + missing) // size, size, *x.shape[1:]])


def like(x, blocks):
    """A number per row `[n]` in blocks like those of the rows."""
    return split(x, blocks.sizes()[1], 0.0)


def join(blocks, like):
    """Undoes `split`: the first rows of `blocks`, as many as `like` has."""
    rows = tf.reshape(blocks, [-1, *blocks.shape[2:]])
    return rows[: _length(like)]


def make_blocks(rows, largest):
    """`Rows` as `Blocks` of at most `largest` rows."""
    size = block_size(_length(rows.codes), largest)
    codes = split(rows.codes, size, NO_CODE)
    return Blocks(
        z=split(rows.z, size, 0.0),
        codes=codes,
        places=split(rows.places, size, -1),
        first=codes[:, 0],
        last=tf.reduce_max(tf.where(codes == NO_CODE, -1, codes), axis=1),
    )


def _length(x):
    """The static length where it is known: TPUs need static shapes."""
    return tf.shape(x)[0] if x.shape[0] is None else x.shape[0]
