"""MP-NCE: every positive against the negatives, and against nothing else."""

from collections.abc import Mapping

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.layers.domain_similarity import unit_length
from uniclip_keras.losses.blocks import choose_block_size
from uniclip_keras.losses.blocks import sum_over_row_blocks
from uniclip_keras.losses.positives import check_domain_weights
from uniclip_keras.losses.positives import positive_counts
from uniclip_keras.losses.positives import term_weights
from uniclip_keras.losses.replicas import first_row
from uniclip_keras.losses.replicas import gather

# Stands for "no negative at all": its exponential is 0 in float32, and unlike
# an infinity it leaves the gradients finite.
NO_LOGIT = -1e9


@keras.saving.register_keras_serializable("uniclip_keras")
class MPNCE(keras.layers.Layer):
    """Multi-positive NCE over all domains (UniCLIP, section 3.2, eq. 5).

    Every row of every domain is an anchor `i`. Its positives `P_i` are the
    rows, of any domain, with the same id, its negatives `N_i` all others:

        L_i = mean_{p in P_i} w * softplus(logsumexp_{n in N_i} s_in - s_ip)

    with the logits `s` of a `DomainSimilarity`. A positive competes with the
    negatives alone: moving one positive never changes another one's term.
    The loss is the mean over the anchors that have a positive; an anchor
    without negatives contributes 0. Under a distribution strategy the anchors
    are the replica's own rows, the candidates those of all replicas, and the
    mean of the replicas' values is the loss of the global batch.

    Args:
        similarity: a `DomainSimilarity` that knows the domains.
        include_self: whether an anchor counts among its own positives; then a
            text has a text-text term even with one caption per item.
        domain_weights: "balanced" gives each domain pair present in the batch
            the same total weight, "uniform" weights every anchor alike, and a
            mapping pair -> share (`{"image-text": 2.0, ...}`) sets the shares.
        tile_size: anchors per tile; memory is tile_size x embeddings. None
            picks one by the batch.

    Call arguments:
        embeddings: mapping domain -> float tensor `[n_d, dim]`, any `n_d`;
            normalised inside.
        ids: mapping domain -> int tensor `[n_d]`; equal ids are positives.

    Returns:
        float32 scalar.

    Raises:
        InputError: for a domain that the similarity does not know, domains
            that differ between embeddings and ids, or an impossible argument.

    Example:

    ```python
    loss = MPNCE(DomainSimilarity(("image", "text")))
    loss({"image": images, "text": texts}, ids={"image": ids, "text": ids})
    ```
    """

    def __init__(
        self,
        similarity,
        include_self=True,
        domain_weights="balanced",
        tile_size=None,
        name="mp_nce",
        **kwargs,
    ):
        # Exponentials of logits: float32 under every policy.
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        if isinstance(similarity, Mapping):
            similarity = keras.saving.deserialize_keras_object(similarity)
        check_domain_weights(domain_weights, similarity.pairs)
        if tile_size is not None and tile_size < 1:
            raise InputError(
                f"tile_size={tile_size!r} must be at least 1, or None to have "
                "one picked."
            )
        self.similarity = similarity
        self.include_self = include_self
        self.domain_weights = domain_weights
        self.tile_size = tile_size
        self.built = True

    def call(self, embeddings, ids):
        self._check_domains(embeddings, ids)
        local = {d: unit_length(z) for d, z in embeddings.items()}
        candidates = {d: gather(z) for d, z in local.items()}
        all_ids = {d: gather(tf.convert_to_tensor(ids[d])) for d in local}
        weights = term_weights(
            positive_counts(all_ids, self.include_self),
            lambda *pair: self.similarity.pairs[
                self.similarity.pair_index(*pair)
            ],
            self.domain_weights,
        )
        return tf.add_n(
            [
                self._anchor_domain(d, local[d], candidates, all_ids, weights)
                for d in local
            ]
        )

    def _anchor_domain(self, domain, anchors, candidates, ids, weights):
        """The summed terms of one domain's anchors on this replica."""
        count = tf.shape(anchors)[0]
        index = first_row(count) + tf.range(count)
        replicas = tf.shape(candidates[domain])[0] // tf.maximum(count, 1)
        others = list(candidates)
        aside = (
            index,
            tf.gather(ids[domain], index),
            # The mean of the replicas' values is to be the global sum.
            tf.cast(replicas, tf.float32)
            * tf.gather(
                tf.stack([weights[domain, d] for d in others], axis=1), index
            ),
        )

        def block_loss(anchors, aside, shared):
            index, anchor_ids, weights = aside
            inverse, offset, *candidates = shared
            tiles = []
            for d, z in zip(others, candidates, strict=True):
                pair = self.similarity.pair_index(domain, d)
                # 1 / tau goes into the smaller operand of the product.
                logits = tf.matmul(
                    anchors * inverse[pair], z, transpose_b=True
                ) - (offset[pair] * inverse[pair])
                same = anchor_ids[:, None] == ids[d][None, :]
                positive = same
                if d == domain and not self.include_self:
                    own = index[:, None] == tf.range(tf.shape(z)[0])[None, :]
                    positive = same & ~own
                tiles.append((logits, positive, ~same))
            return mp_nce_terms(tiles, tf.unstack(weights, axis=1))

        block_size = self.tile_size or choose_block_size(
            anchors.shape[0], _static_total(candidates.values())
        )
        return sum_over_row_blocks(
            block_loss,
            anchors,
            aside,
            [*self.similarity.parameters(), *candidates.values()],
            block_size,
        )

    def _check_domains(self, embeddings, ids):
        if set(embeddings) != set(ids):
            raise InputError(
                f"embeddings hold the domains {sorted(embeddings)} but ids "
                f"hold {sorted(ids)}; give both for the same domains."
            )
        for domain in embeddings:
            self.similarity.pair_index(domain, domain)

    def get_config(self):
        config = super().get_config()
        config.update(
            similarity=keras.saving.serialize_keras_object(self.similarity),
            include_self=self.include_self,
            domain_weights=self.domain_weights,
            tile_size=self.tile_size,
        )
        return config


def mp_nce_terms(tiles, weights):
    """Weighted MP-NCE terms of a block of anchors, summed.

    Args:
        tiles: per candidate domain `(logits, positive, negative)`, each
            `[r, m_d]`, the masks bool.
        weights: per candidate domain, float `[r]`: weight of each term.

    Returns:
        float32 scalar.
    """
    against = tf.reduce_logsumexp(
        tf.stack(
            [
                tf.reduce_logsumexp(
                    tf.where(negative, logits, NO_LOGIT), axis=1
                )
                for logits, _, negative in tiles
            ]
        ),
        axis=0,
    )
    total = 0.0
    for (logits, positive, _), weight in zip(tiles, weights, strict=True):
        terms = tf.where(
            positive, tf.nn.softplus(against[:, None] - logits), 0.0
        )
        total += tf.reduce_sum(weight * tf.reduce_sum(terms, axis=1))
    return total


def _static_total(tensors):
    sizes = [tensor.shape[0] for tensor in tensors]
    return None if None in sizes else sum(sizes)
