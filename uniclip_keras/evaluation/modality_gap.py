"""How far images and texts lie apart in their shared space."""

import dataclasses

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.evaluation.vectors import same_dim
from uniclip_keras.evaluation.vectors import unit_rows


@dataclasses.dataclass(frozen=True)
class ModalityGap:
    """What `modality_gap` finds.

    Attributes:
        distance: float. Between the mean image and the mean text, from 0 to 2.
        pair_cosine: float. Mean cosine similarity of an image and its text.
        separable: float. Share of images and texts that lie on their side of
            the plane halfway between the means: 1 if it tells all images from
            all texts, about 0.5 if they are mixed.
    """

    distance: float
    pair_cosine: float
    separable: float


def modality_gap(images, texts):
    """Measures the gap between images and texts (Liang et al., NeurIPS 2022).

    Args:
        images: Float array `[n, dim]`. Embeddings of images.
        texts: Float array `[n, dim]`. The embedding of each one's text.

    Returns:
        A `ModalityGap`.

    Raises:
        InputError: If shapes differ, or an embedding is not finite.
    """
    images, texts = unit_rows(images, "images"), unit_rows(texts, "texts")
    same_dim(images, "images", texts, "texts")
    if len(images) != len(texts):
        raise InputError(
            f"There are {len(images)} images and {len(texts)} texts; give the "
            "text of each image."
        )
    means = images.mean(axis=0), texts.mean(axis=0)
    direction = means[0] - means[1]
    middle = direction @ (means[0] + means[1]) / 2
    sides = images @ direction - middle, middle - texts @ direction
    return ModalityGap(
        float(np.linalg.norm(direction)),
        float(np.einsum("ij,ij->i", images, texts).mean()),
        # Half of what lies on the plane is on either side.
        float(0.5 + 0.5 * np.sign(sides).mean()),
    )
