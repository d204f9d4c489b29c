"""The losses: MP-NCE, InfoNCE, SupCon, MIL-NCE, CLIP, SLIP, UniCL and SigLIP.

For an anchor i, `s_ij` is its logit with candidate j, P are its positives and
N its negatives. A loss reduces logits with `engine.reduce_logits`, and sums
the results with weights from `weights`. Its arguments and its call are those
of `ContrastiveLoss`.
"""

import keras
import tensorflow as tf

from uniclip_keras.losses.contrastive_loss import ContrastiveLoss
from uniclip_keras.losses.contrastive_loss import check_domain_weights
from uniclip_keras.losses.engine import reduce_logits
from uniclip_keras.losses.reductions import LogSumExp
from uniclip_keras.losses.reductions import SoftplusSum
from uniclip_keras.losses.reductions import Sum
from uniclip_keras.losses.weights import anchor_weights
from uniclip_keras.losses.weights import direction_weights
from uniclip_keras.losses.weights import pair_weights
from uniclip_keras.losses.weights import row_weights


@keras.saving.register_keras_serializable("uniclip_keras")
class MPNCE(ContrastiveLoss):
    """Multi-positive NCE over all domains (UniCLIP, section 3.2, eq. 5).

        L_i = mean_{p in P} w_ip softplus(logsumexp_{n in N} s_in - s_ip)

    A positive competes with the negatives alone: moving one positive never
    changes the term of another one. The loss is the mean over the anchors that
    have a positive. An anchor without negatives contributes 0.

    Args:
        similarity, pairs, tile_size: See `ContrastiveLoss`.
        include_self: Whether an anchor is one of its own positives. If so, a
            text has a text-text term even with one caption per item.
        domain_weights: `"balanced"` gives the domain pairs present in the
            batch equal total weights, `"uniform"` weights all anchors alike,
            and a mapping from pair to share (`{"image-text": 2.0, ...}`) sets
            the total weights in proportion.

    Example:

    ```python
    loss = MPNCE(DomainSimilarity(("image", "text")))
    loss(
        {"image": tf.random.normal([4, 8]), "text": tf.random.normal([2, 8])},
        ids={"image": [0, 0, 1, 1], "text": [0, 1]},
    )
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
        super().__init__(similarity, pairs, include_self, tile_size, **kwargs)
        check_domain_weights(domain_weights, self.pairs)
        self.domain_weights = domain_weights

    def local_loss(self, batch):
        weights = pair_weights(batch, self.domain_weights)
        return against_negatives(batch, weights)

    def get_config(self):
        return {**super().get_config(), "domain_weights": self.domain_weights}


@keras.saving.register_keras_serializable("uniclip_keras")
class InfoNCE(MPNCE):
    """InfoNCE (van den Oord et al. 2018): `MPNCE` with other defaults.

        L_i = -log(e^{s_ip} / (e^{s_ip} + sum_{n in N} e^{s_in}))

    The published formula has one positive. With several, the loss is the mean
    over the positives, each against the negatives alone, which is MP-NCE. By
    default, anchors are not their own positives and all weigh the same.
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
            similarity, include_self, domain_weights, pairs, tile_size, **kwargs
        )


@keras.saving.register_keras_serializable("uniclip_keras")
class SupCon(InfoNCE):
    """Supervised contrastive loss (Khosla et al. 2020, eq. 2, "out").

        L_i = -mean_{p in P} log(e^{s_ip} / sum_{j in P, N} e^{s_ij})

    Positives compete with each other as well as with the negatives. Arguments
    and defaults are those of `InfoNCE`.
    """

    def local_loss(self, batch):
        return against_all(batch, pair_weights(batch, self.domain_weights))


@keras.saving.register_keras_serializable("uniclip_keras")
class MILNCE(ContrastiveLoss):
    """MIL-NCE (Miech et al. 2020): the positives of an anchor count as one.

        L_i = -log(sum_{p in P} e^{s_ip} / sum_{j in P, N} e^{s_ij})

    One good positive is enough for a small loss.
    """

    def local_loss(self, batch):
        positives = over_domains(reduce_logits(batch, LogSumExp(), "positives"))
        negatives = over_domains(reduce_logits(batch, LogSumExp(), "negatives"))
        values = {
            d: tf.nn.softplus(negatives[d] - positives[d]) for d in positives
        }
        return weighted_sum(anchor_weights(batch), values)


@keras.saving.register_keras_serializable("uniclip_keras")
class CLIP(ContrastiveLoss):
    """CLIP's loss (Radford et al. 2021): InfoNCE of images and texts.

        L = (mean_i L_{image i -> texts} + mean_t L_{text t -> images}) / 2

    If a batch has equal ids, each positive competes with the negatives alone.
    To have equal captions repel each other, as in CLIP's own code, give each
    image-text pair an id of its own.
    """

    default_pairs = ("image-text",)
    # A common offset cancels in a softmax.
    similarity_options = {"learn_offset": False}

    def local_loss(self, batch):
        return against_negatives(batch, direction_weights(batch))


@keras.saving.register_keras_serializable("uniclip_keras")
class SLIP(ContrastiveLoss):
    """CLIP and SimCLR, each in a space of its own (Mu et al. 2022).

        L = CLIP(image, text) + view_weight * InfoNCE(view, view)

    The domain "view" holds the embeddings of the strong views from a head of
    their own. Their temperature is 0.1 and fixed, as in SLIP's code.

    Args:
        similarity: `DomainSimilarity` over "image", "text" and "view".
        view_weight: Weight of the term of the views.
        pairs, tile_size: See `ContrastiveLoss`.
    """

    default_pairs = ("image-text", "view-view")
    similarity_options = {
        "domains": ("image", "text", "view"),
        "temperature": {"image-text": 0.07, "view-view": 0.1},
        "learn_temperature": ("image-text",),
        "learn_offset": False,
    }

    def __init__(
        self,
        similarity=None,
        view_weight=1.0,
        pairs=None,
        tile_size=None,
        **kwargs,
    ):
        super().__init__(similarity, pairs, tile_size=tile_size, **kwargs)
        self.view_weight = view_weight

    def local_loss(self, batch):
        shares = {
            (a, b): self.view_weight if a == b else 0.5
            for a, b in batch.directions
        }
        return against_negatives(batch, direction_weights(batch, shares))

    def get_config(self):
        return {**super().get_config(), "view_weight": self.view_weight}


@keras.saving.register_keras_serializable("uniclip_keras")
class UniCL(CLIP):
    """Contrastive loss in image-text-label space (Yang et al. 2022, eq. 3-5).

        L_{i -> t} = -mean_{t in P} log(e^{s_it} / sum_{j in P, N} e^{s_ij})
        L = (mean_i L_{i -> t} + mean_t L_{t -> i}) / 2

    Ids are labels, so a batch may mix image-text pairs and image-label pairs.
    Unlike in `CLIP`, positives compete with each other; with unique ids, the
    two losses are the same.
    """

    def local_loss(self, batch):
        return against_all(batch, direction_weights(batch))


@keras.saving.register_keras_serializable("uniclip_keras")
class SigLIP(ContrastiveLoss):
    """Sigmoid loss of each image-text pair (Zhai et al. 2023, section 3.2).

        L = mean_i (sum_{t in P} softplus(-s_it) + sum_{t in N} softplus(s_it))

    The logits are `s = (cos - offset) / temperature`. SigLIP's scale 10 and
    bias -10 are temperature 0.1 and offset 1, and both are learned.
    """

    default_pairs = ("image-text",)
    similarity_options = {"temperature": 0.1, "offset": 1.0}

    def local_loss(self, batch):
        attract = reduce_logits(batch, SoftplusSum(-1.0), "positives")
        repel = reduce_logits(batch, SoftplusSum(1.0), "negatives")
        weights = row_weights(batch)
        return weighted_sum(weights, attract) + weighted_sum(weights, repel)


def against_negatives(batch, weights):
    """`sum_ip w_ip softplus(logsumexp_{n in N} s_in - s_ip)`."""
    negatives = over_domains(reduce_logits(batch, LogSumExp(), "negatives"))
    terms = reduce_logits(
        batch, SoftplusSum(-1.0), "positives", shifts=negatives
    )
    return weighted_sum(weights, terms)


def against_all(batch, weights):
    """`sum_ip w_ip (logsumexp_{j in P, N} s_ij - s_ip)`."""
    candidates = over_domains(reduce_logits(batch, LogSumExp(), "all"))
    terms = {
        d: batch.counts[d] * candidates[d[0]] - positives
        for d, positives in reduce_logits(batch, Sum(), "positives").items()
    }
    return weighted_sum(weights, terms)


def over_domains(values):
    """`logsumexp` of values by direction over the candidate domains."""
    by_anchor = {}
    for (anchor, _), value in values.items():
        by_anchor.setdefault(anchor, []).append(value)
    return {
        anchor: tf.reduce_logsumexp(tf.stack(parts), axis=0)
        for anchor, parts in by_anchor.items()
    }


def weighted_sum(weights, values):
    """`sum weights * values` over the keys of `weights` and the anchors."""
    return tf.add_n([tf.reduce_sum(weights[d] * values[d]) for d in weights])
