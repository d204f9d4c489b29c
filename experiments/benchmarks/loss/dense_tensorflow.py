"""MP-NCE in TensorFlow for the loss benchmark: the package's and a dense one.

Both give a function `prepare(batch) -> step`; `step()` runs one forward and
backward pass and returns the loss and its gradients.
"""

import math

import tensorflow as tf

from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.losses import MPNCE


def tiled(temperature):
    """The package's MP-NCE, its tile size picked by itself."""
    loss = MPNCE(DomainSimilarity(("image", "text"), temperature=temperature))

    def mp_nce(images, texts, image_ids, text_ids):
        return loss(
            {"image": images, "text": texts},
            ids={"image": image_ids, "text": text_ids},
        )

    similarity = loss.similarity
    variables = [similarity.log_temperature.value, similarity.offset.value]
    return _differentiated(mp_nce, variables)


def dense(temperature, gather_positives=False):
    """`dense_mp_nce` with parameters that start like the package's."""
    log_temperature = tf.Variable([math.log(temperature)] * 3)
    offset = tf.Variable([0.0] * 3)

    def mp_nce(*batch):
        return dense_mp_nce(*batch, log_temperature, offset, gather_positives)

    return _differentiated(mp_nce, [log_temperature, offset])


def lean(temperature):
    """The dense form with its positives gathered."""
    return dense(temperature, gather_positives=True)


def dense_mp_nce(
    images,
    texts,
    image_ids,
    text_ids,
    log_temperature,
    offset,
    gather_positives=False,
):
    """MP-NCE from one matrix of all logits, as one would write it down.

    The formula asks for a softplus of every (anchor, positive) pair. Written
    with a mask over all elements it is short and takes twice the time and
    memory; with the positives gathered it is the leanest dense form found
    here (a temperature looked up for every element has a slow gradient).

    Args:
        images, texts: float32 `[n, dim]` and `[m, dim]`.
        image_ids, text_ids: int `[n]` and `[m]`.
        log_temperature, offset: float32 `[3]`: image-image, image-text and
            text-text.
        gather_positives: computes positives' terms alone, not a whole matrix.

    Returns:
        float32 scalar: every row an anchor and its own positive, the three
        pairs of domains weighted alike.
    """
    images = tf.math.l2_normalize(images, axis=1)
    texts = tf.math.l2_normalize(texts, axis=1)
    rows = tf.concat([images, texts], axis=0)
    ids = tf.concat([image_ids, text_ids], axis=0)
    # 0 for an image and 1 for a text: their sum is the index of a pair.
    domain = tf.repeat([0, 1], [tf.shape(images)[0], tf.shape(texts)[0]])
    temperature = tf.exp(log_temperature)

    def logits_of(anchors, pair):
        cosine = tf.matmul(anchors, rows, transpose_b=True)
        return (cosine - tf.gather(offset, pair)) / tf.gather(temperature, pair)

    logits = tf.concat(
        [logits_of(images, domain), logits_of(texts, domain + 1)], axis=0
    )
    same = ids[:, None] == ids[None, :]
    against = tf.reduce_logsumexp(tf.where(same, -math.inf, logits), axis=1)
    if gather_positives:
        positive = tf.where(same)
        anchor, other = positive[:, 0], positive[:, 1]
        terms = tf.nn.softplus(
            tf.gather(against, anchor) - tf.gather_nd(logits, positive)
        )
        count = tf.math.bincount(tf.cast(anchor, tf.int32), dtype=tf.float32)
        weight = 1.0 / tf.gather(count, anchor)
        pair = tf.gather(domain, anchor) + tf.gather(domain, other)
    else:
        terms = tf.nn.softplus(against[:, None] - logits)
        positive = tf.cast(same, tf.float32)
        weight = positive / tf.reduce_sum(positive, axis=1, keepdims=True)
        pair = domain[:, None] + domain[None, :]
    losses = []
    for index in range(3):
        share = tf.where(pair == index, weight, 0.0)
        losses.append(tf.reduce_sum(share * terms) / tf.reduce_sum(share))
    return tf.add_n(losses) / 3


def _differentiated(function, variables):
    @tf.function
    def value_and_gradients(*batch):
        embeddings = batch[:2]
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            value = function(*batch)
        return value, tape.gradient(value, [*embeddings, *variables])

    def prepare(batch):
        batch = [tf.constant(array) for array in batch]
        # A training run traces its step once: no part of what is measured.
        value_and_gradients.get_concrete_function(*batch)

        def step():
            value, gradients = value_and_gradients(*batch)
            return float(value), gradients

        return step

    return prepare
