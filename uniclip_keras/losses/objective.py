"""What all objectives share: domains, pairs, weights and the engine."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.layers.domain_similarity import DomainSimilarity
from uniclip_keras.losses.batch import Batch
from uniclip_keras.losses.replicas import replica_count
from uniclip_keras.losses.rows import make_domains


class Objective(keras.layers.Layer):
    """A contrastive loss over domains, positives given by ids.

    Every row of every domain is an anchor; its positives are the rows of
    equal id, its negatives all others, in the domains that the chosen pairs
    join to its own. The loss is computed tile by tile: memory grows linearly
    with the number of embeddings, and gradients are exact. Under a
    distribution strategy the anchors are the replica's own rows, the
    candidates those of all replicas, and the mean of the replicas' values is
    the loss of the global batch. Computation is float32 under every policy.

    A subclass writes `terms`.

    Args:
        similarity: a `DomainSimilarity` that knows the domains; None for the
            objective's usual one.
        pairs: names of the domain pairs that take part, such as
            `("image-text",)`; None for the objective's usual ones.
        include_self: whether an anchor counts among its own positives.
        tile_size: rows and columns of a tile; None picks them.

    Call arguments:
        embeddings: mapping domain -> float tensor `[n_d, dim]`, any `n_d`;
            normalised inside.
        ids: mapping domain -> int tensor `[n_d]`; equal ids are positives.

    Returns:
        float32 scalar.

    Raises:
        InputError: for a domain that the similarity does not know, domains
            that differ between embeddings and ids, ids that do not fit the
            embeddings, or an impossible argument.
    """

    # Names of pairs; None: all of the similarity's.
    usual_pairs = None

    def __init__(
        self,
        similarity=None,
        pairs=None,
        include_self=False,
        tile_size=None,
        **kwargs,
    ):
        # Exponentials of logits: float32 under every policy.
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if isinstance(similarity, Mapping):
            similarity = keras.saving.deserialize_keras_object(similarity)
        self.similarity = similarity or self.usual_similarity()
        self.pairs = _check_pairs(
            self.usual_pairs if pairs is None else pairs, self.similarity
        )
        if tile_size is not None and tile_size < 1:
            raise InputError(
                f"tile_size={tile_size!r} must be at least 1, or None to have "
                "one picked."
            )
        self.include_self = include_self
        self.tile_size = tile_size
        self.built = True

    @classmethod
    def usual_similarity(cls):
        """The similarity of an objective that is given none."""
        return DomainSimilarity(("image", "text"))

    def terms(self, batch):
        """The loss on this replica's anchors, of a `Batch`: a scalar."""
        raise NotImplementedError

    def call(self, embeddings, ids):
        ids = {domain: tf.convert_to_tensor(i) for domain, i in ids.items()}
        _check_domains(embeddings, ids, self.similarity)
        domains = make_domains(embeddings, ids)
        batch = Batch(
            domains,
            self.similarity,
            self.pairs,
            self.include_self,
            self.tile_size,
        )
        if not batch.directions:
            raise InputError(
                f"embeddings hold the domains {sorted(embeddings)}, of which "
                f"the pairs {list(self.pairs)} join none; give the domains of "
                "a pair."
            )
        # The mean of the replicas' values is to be the global sum.
        return replica_count() * self.terms(batch)

    def logs(self):
        """The similarity's current parameters of the pairs that take part."""
        return self.similarity.values(self.pairs)

    def get_config(self):
        config = super().get_config()
        config.update(
            similarity=keras.saving.serialize_keras_object(self.similarity),
            pairs=self.pairs,
            include_self=self.include_self,
            tile_size=self.tile_size,
        )
        return config


def check_domain_weights(domain_weights, pairs):
    """Raises InputError unless the argument is one of the three forms."""
    if domain_weights in ("balanced", "uniform"):
        return
    if isinstance(domain_weights, Mapping):
        if set(domain_weights) == set(pairs) and all(
            share >= 0 for share in domain_weights.values()
        ):
            return
        allowed = f"a share of 0 or more for each of {list(pairs)}"
    else:
        allowed = '"balanced", "uniform" or a mapping of pairs to shares'
    raise InputError(
        f"domain_weights={domain_weights!r} is not possible; give {allowed}."
    )


def _check_pairs(pairs, similarity):
    if pairs is None:
        return similarity.pairs
    pairs = (pairs,) if isinstance(pairs, str) else tuple(pairs)
    for pair in pairs:
        if pair not in similarity.pairs:
            raise InputError(
                f"pairs={pairs!r} names {pair!r}, but the similarity's "
                f"domains form {list(similarity.pairs)}; choose from these."
            )
    if not pairs:
        raise InputError(
            "pairs=() leaves nothing to compare; choose from "
            f"{list(similarity.pairs)}, or None for the usual ones."
        )
    return pairs


def _check_domains(embeddings, ids, similarity):
    if set(embeddings) != set(ids):
        raise InputError(
            f"embeddings hold the domains {sorted(embeddings)} but ids "
            f"hold {sorted(ids)}; give both for the same domains."
        )
    for domain in embeddings:
        similarity.pair_index(domain, domain)
        if not ids[domain].dtype.is_integer:
            raise InputError(
                f"the ids of {domain!r} are {ids[domain].dtype.name}; equal "
                "ids are positives: give integers."
            )
        rows, count = embeddings[domain].shape[0], ids[domain].shape[0]
        if None not in (rows, count) and rows != count:
            raise InputError(
                f"{domain!r} has {rows} embeddings but {count} ids; give one "
                "id for each embedding."
            )
