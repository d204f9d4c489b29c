"""Objectives of chosen domain pairs: CLIP, SLIP, UniCL and SigLIP."""

import keras

from uniclip_keras.layers.domain_similarity import DomainSimilarity
from uniclip_keras.losses.batch import weighted_sum
from uniclip_keras.losses.multi_positive import positives_against_all
from uniclip_keras.losses.multi_positive import positives_against_negatives
from uniclip_keras.losses.objective import Objective
from uniclip_keras.losses.reductions import SoftplusSum


def without_offset(domains=("image", "text"), **arguments):
    """A similarity for softmaxes over one pair: an offset cancels in them."""
    return DomainSimilarity(domains, learn_offset=False, **arguments)


def equal_directions(batch):
    """Weights of the mean over directions of the mean over their anchors."""
    directions = batch.directions
    return batch.weights_per_direction(
        dict.fromkeys(directions, 1.0 / len(directions))
    )


@keras.saving.register_keras_serializable("uniclip_keras")
class CLIP(Objective):
    """CLIP's loss (Radford et al. 2021): InfoNCE of images and texts.

        L = (mean_i L_{image i -> texts} + mean_t L_{text t -> images}) / 2

    With equal ids in a batch each positive is taken in turn against the
    negatives alone. Give every pair an id of its own to have equal captions
    repel each other, as they do in CLIP's own code.
    """

    usual_pairs = ("image-text",)

    @classmethod
    def usual_similarity(cls):
        return without_offset()

    def terms(self, batch):
        return positives_against_negatives(batch, equal_directions(batch))


@keras.saving.register_keras_serializable("uniclip_keras")
class SLIP(Objective):
    """CLIP and SimCLR (Mu et al. 2022), each in a space of its own.

        L = CLIP(image, text) + view_weight * InfoNCE(view, view)

    The domain "view" holds the embeddings of the strong views by a head of
    their own; their temperature is 0.1 and fixed, as in SLIP's code.

    Args:
        similarity: a `DomainSimilarity` over image, text and view.
        view_weight: weight of the views' term.
        pairs, tile_size: see `Objective`.
    """

    usual_pairs = ("image-text", "view-view")

    def __init__(
        self,
        similarity=None,
        view_weight=1.0,
        pairs=None,
        tile_size=None,
        **kwargs,
    ):
        super().__init__(similarity, pairs=pairs, tile_size=tile_size, **kwargs)
        self.view_weight = view_weight

    @classmethod
    def usual_similarity(cls):
        return without_offset(
            ("image", "text", "view"),
            temperature={"image-text": 0.07, "view-view": 0.1},
            learn_temperature=("image-text",),
        )

    def terms(self, batch):
        shares = {
            (anchor, candidate): (
                self.view_weight if anchor == candidate else 0.5
            )
            for anchor, candidate in batch.directions
        }
        return positives_against_negatives(
            batch, batch.weights_per_direction(shares)
        )

    def get_config(self):
        return {**super().get_config(), "view_weight": self.view_weight}


@keras.saving.register_keras_serializable("uniclip_keras")
class UniCL(Objective):
    """Unified contrastive loss in image-text-label space (UniCL, eq. 3-5).

        L_{i -> t} = -mean_{t: id_t = id_i} log softmax_t(s_i.)_t
        L = (mean_i L_{i -> t} + mean_t L_{t -> i}) / 2

    The denominator holds all texts, positives too. Labels are ids: a batch of
    image-text pairs, of image-label pairs or of both is treated alike, and
    with unique ids this is CLIP.
    """

    usual_pairs = ("image-text",)

    @classmethod
    def usual_similarity(cls):
        return without_offset()

    def terms(self, batch):
        return positives_against_all(batch, equal_directions(batch))


@keras.saving.register_keras_serializable("uniclip_keras")
class SigLIP(Objective):
    """Sigmoid loss of every image-text pair (Zhai et al. 2023, section 3.2).

        L = mean_i (sum_{t: same id} softplus(-s_it)
                    + sum_{t: other id} softplus(s_it))

    with the logits `s = (cos - offset) / temperature`: SigLIP's scale 10 and
    bias -10 are temperature 0.1 and offset 1, both learned.
    """

    usual_pairs = ("image-text",)

    @classmethod
    def usual_similarity(cls):
        return DomainSimilarity(("image", "text"), temperature=0.1, offset=1.0)

    def terms(self, batch):
        attract = batch.reduce(SoftplusSum(-1.0), "positives")
        repel = batch.reduce(SoftplusSum(1.0), "negatives")
        weights = batch.row_means()
        return weighted_sum(weights, attract) + weighted_sum(weights, repel)
