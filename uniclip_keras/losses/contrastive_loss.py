"""What all losses share: arguments and their checks, and the call."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.layers.domain_similarity import DomainSimilarity
from uniclip_keras.losses.batch import Batch
from uniclip_keras.losses.replicas import replica_count


class ContrastiveLoss(keras.layers.Layer):
    """Base class of the contrastive losses, with positives given by ids.

    Each row of each domain is an anchor. Its positives are the rows of equal
    id, its negatives all other rows, in the domains that `pairs` compares with
    its own. The loss is computed tile by tile: memory grows linearly with the
    number of embeddings, and gradients are exact. All computation is in
    float32 under every dtype policy.

    Under a distribution strategy, the anchors are the rows of the replica and
    the candidates those of all replicas. The mean of the replicas' values is
    the loss of the global batch.

    Subclasses implement `local_loss`.

    Args:
        similarity: `DomainSimilarity`, or None for `default_similarity()`.
        pairs: Names of the domain pairs to compare, such as
            `("image-text",)`, or None for the loss's defaults.
        include_self: Whether an anchor is one of its own positives.
        tile_size: Largest number of rows and columns in a tile of logits, or
            None for the engine's choice.

    Call arguments:
        embeddings: Mapping from domain to float tensor `[n_d, dim]`, with any
            `n_d`. The loss normalizes them.
        ids: Mapping from domain to integer tensor `[n_d]`. Rows with equal
            ids are positives.

    Returns:
        float32 scalar.

    Raises:
        InputError: If a domain is unknown to the similarity, embeddings and
            ids do not match, or an argument is not allowed.
    """

    default_pairs = None  # All pairs of the similarity.
    similarity_options = {}  # Arguments of the default similarity.

    def __init__(
        self,
        similarity=None,
        pairs=None,
        include_self=False,
        tile_size=None,
        **kwargs,
    ):
        # Half precision would ruin the exponentials of logits.
        kwargs["dtype"] = "float32"
        super().__init__(**kwargs)
        if isinstance(similarity, Mapping):
            similarity = keras.saving.deserialize_keras_object(similarity)
        self.similarity = similarity or self.default_similarity()
        self.pairs = _check_pairs(
            self.default_pairs if pairs is None else pairs, self.similarity
        )
        if tile_size is not None and tile_size < 1:
            raise InputError(
                f"tile_size={tile_size!r}: give 1 or more, or None."
            )
        self.include_self = include_self
        self.tile_size = tile_size
        self.built = True

    @classmethod
    def default_similarity(cls):
        """Returns a new similarity, as the loss makes when given none."""
        return DomainSimilarity(**cls.similarity_options)

    def local_loss(self, batch):
        """Returns the part of the loss of this replica's anchors in a `Batch`.

        The sum over the replicas is the global loss, a float32 scalar.
        """
        raise NotImplementedError

    def call(self, embeddings, ids):
        ids = {domain: tf.convert_to_tensor(i) for domain, i in ids.items()}
        _check_domains(embeddings, ids, self.similarity)
        batch = Batch(self, embeddings, ids)
        if not batch.directions:
            raise InputError(
                f"The pairs {list(self.pairs)} join none of the domains "
                f"{sorted(embeddings)}; give both domains of a pair."
            )
        # So that the mean over the replicas is the global loss.
        return replica_count() * self.local_loss(batch)

    def logs(self):
        """Returns the similarity's current parameters of the pairs."""
        return self.similarity.values(self.pairs)

    def get_config(self):
        return {
            **super().get_config(),
            "similarity": keras.saving.serialize_keras_object(self.similarity),
            "pairs": self.pairs,
            "include_self": self.include_self,
            "tile_size": self.tile_size,
        }


def _check_pairs(pairs, similarity):
    if pairs is None:
        return similarity.pairs
    pairs = (pairs,) if isinstance(pairs, str) else tuple(pairs)
    similarity.check_pairs("pairs", pairs)
    if not pairs:
        raise InputError(
            f"pairs=(): give some of {list(similarity.pairs)}, or None for the "
            "defaults."
        )
    return pairs


def check_domain_weights(domain_weights, pairs):
    """Raises InputError unless the weights are of one of the three forms."""
    if isinstance(domain_weights, Mapping):
        allowed = f"a share of 0 or more for each of {list(pairs)}"
        valid = set(domain_weights) == set(pairs) and all(
            share >= 0 for share in domain_weights.values()
        )
    else:
        allowed = '"balanced", "uniform" or a mapping from pairs to shares'
        valid = domain_weights in ("balanced", "uniform")
    if not valid:
        raise InputError(f"domain_weights={domain_weights!r}: give {allowed}.")


def _check_domains(embeddings, ids, similarity):
    if set(embeddings) != set(ids):
        raise InputError(
            f"There are embeddings of {sorted(embeddings)}, but ids of "
            f"{sorted(ids)}; give both for the same domains."
        )
    for domain in embeddings:
        similarity.pair_index(domain, domain)
        if not ids[domain].dtype.is_integer:
            raise InputError(
                f"The ids of {domain!r} are {ids[domain].dtype.name}; give "
                "integers, equal for positives."
            )
        rows, count = embeddings[domain].shape[0], ids[domain].shape[0]
        if None not in (rows, count) and rows != count:
            raise InputError(
                f"The domain {domain!r} has {rows} embeddings but {count} ids; "
                "give as many."
            )
