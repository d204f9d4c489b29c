"""Objectives over all domain pairs: MP-NCE, InfoNCE, SupCon and MIL-NCE.

For an anchor i with logits s, positives P and negatives N they differ in the
place of the other positives.
"""

import keras
import tensorflow as tf

from uniclip_keras.losses.batch import over_candidates
from uniclip_keras.losses.batch import weighted_sum
from uniclip_keras.losses.objective import Objective
from uniclip_keras.losses.objective import check_domain_weights
from uniclip_keras.losses.reductions import LogSumExp
from uniclip_keras.losses.reductions import SoftplusSum
from uniclip_keras.losses.reductions import Sum


class WeightedObjective(Objective):
    """An objective with a term, and so a weight, for each positive.

    Args:
        similarity, pairs, include_self, tile_size: see `Objective`.
        domain_weights: "uniform" weights every anchor alike, "balanced" gives
            each domain pair present in the batch the same total weight, and a
            mapping pair -> share (`{"image-text": 2.0, ...}`) sets the shares.
    """

    def __init__(
        self,
        similarity=None,
        include_self=False,
        domain_weights="uniform",
        pairs=None,
        tile_size=None,
        **kwargs,
    ):
        super().__init__(
            similarity,
            include_self=include_self,
            pairs=pairs,
            tile_size=tile_size,
            **kwargs,
        )
        check_domain_weights(domain_weights, self.pairs)
        self.domain_weights = domain_weights

    def term_weights(self, batch):
        return batch.weights(self.domain_weights)

    def get_config(self):
        return {**super().get_config(), "domain_weights": self.domain_weights}


def positives_against_negatives(batch, weights):
    """`sum_p w softplus(logsumexp_n s_n - s_p)` over the anchors."""
    against = over_candidates(batch.reduce(LogSumExp(), "negatives"))
    terms = batch.reduce(SoftplusSum(-1.0), "positives", shifts=against)
    return weighted_sum(weights, terms)


def positives_against_all(batch, weights):
    """`sum_p w (logsumexp_j s_j - s_p)` over the anchors, positives in j."""
    against = over_candidates(batch.reduce(LogSumExp(), "all"))
    sums = batch.reduce(Sum(), "positives")
    terms = {
        d: batch.counts[d] * against[d[0]] - sums[d] for d in batch.directions
    }
    return weighted_sum(weights, terms)


@keras.saving.register_keras_serializable("uniclip_keras")
class MPNCE(WeightedObjective):
    """Multi-positive NCE over all domains (UniCLIP, section 3.2, eq. 5).

        L_i = mean_{p in P} w * softplus(logsumexp_{n in N} s_n - s_p)

    A positive competes with the negatives alone: moving one positive never
    changes another one's term. The loss is the mean over the anchors that
    have a positive; an anchor without negatives contributes 0. See
    `Objective` for the call.

    Args:
        similarity, pairs, tile_size: see `Objective`.
        include_self: whether an anchor counts among its own positives; then a
            text has a text-text term even with one caption per item.
        domain_weights: see `WeightedObjective`.

    Example:

    ```python
    loss = MPNCE(DomainSimilarity(("image", "text")))
    loss({"image": images, "text": texts}, ids={"image": ids, "text": ids})
    ```
    """

    def __init__(
        self,
        similarity=None,
        include_self=True,
        domain_weights="balanced",
        pairs=None,
        tile_size=None,
        **kwargs,
    ):
        super().__init__(
            similarity,
            include_self=include_self,
            domain_weights=domain_weights,
            pairs=pairs,
            tile_size=tile_size,
            **kwargs,
        )

    def terms(self, batch):
        return positives_against_negatives(batch, self.term_weights(batch))


@keras.saving.register_keras_serializable("uniclip_keras")
class InfoNCE(WeightedObjective):
    """InfoNCE (van den Oord et al. 2018): the positive against all negatives.

        L_i = -log(e^{s_p} / (e^{s_p} + sum_{n in N} e^{s_n}))

    It is made for one positive. Of several, each is taken in turn against the
    negatives alone, and their mean counts.
    """

    def terms(self, batch):
        return positives_against_negatives(batch, self.term_weights(batch))


@keras.saving.register_keras_serializable("uniclip_keras")
class SupCon(WeightedObjective):
    """Supervised contrastive loss (Khosla et al. 2020, eq. 2, "out").

        L_i = -mean_{p in P} log(e^{s_p} / (sum_P e^{s} + sum_N e^{s}))

    Positives compete with each other as well as with the negatives.
    """

    def terms(self, batch):
        return positives_against_all(batch, self.term_weights(batch))


@keras.saving.register_keras_serializable("uniclip_keras")
class MILNCE(Objective):
    """MIL-NCE (Miech et al. 2020): the sum of the positives as one.

        L_i = -log(sum_P e^{s} / (sum_P e^{s} + sum_N e^{s}))

    One good positive is enough for a small loss.
    """

    def terms(self, batch):
        positives = over_candidates(batch.reduce(LogSumExp(), "positives"))
        negatives = over_candidates(batch.reduce(LogSumExp(), "negatives"))
        weights = batch.anchor_weights()
        return tf.add_n(
            [
                tf.reduce_sum(
                    weights[d] * tf.nn.softplus(negatives[d] - positives[d])
                )
                for d in weights
            ]
        )
