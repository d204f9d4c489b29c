"""MP-NCE in TensorFlow: the package's loss and dense code."""

import math

import tensorflow as tf

from uniclip_keras.layers import DomainSimilarity
from uniclip_keras.losses import MPNCE


def prepare(form, temperature, batch):
    """Builds a forward and backward pass of a batch of `make_batch`.

    The form is "tiled" (the package's loss), "dense", or "lean". The function
    that it returns gives the loss, a float, and its gradients: of images,
    texts, temperatures and offsets.
    """
    batch = [tf.constant(array) for array in batch]
    if form == "tiled":
        similarity = DomainSimilarity(
            ("image", "text"), temperature=temperature
        )
        loss = MPNCE(similarity)
        variables = [v.value for v in similarity.trainable_variables]

        def function(images, texts, image_ids, text_ids):
            embeddings = {"image": images, "text": texts}
            return loss(embeddings, ids={"image": image_ids, "text": text_ids})
    else:
        log_temperature = tf.Variable([math.log(temperature)] * 3)
        variables = [log_temperature, tf.Variable([0.0] * 3)]

        def function(*batch):
            return dense_mp_nce(batch, *variables, form == "lean")

    @tf.function
    def value_and_gradients(*batch):
        embeddings = batch[:2]
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            value = function(*batch)
        return value, tape.gradient(value, [*embeddings, *variables])

    # A training run traces its step once: tracing is not measured.
    value_and_gradients.get_concrete_function(*batch)

    def step():
        value, gradients = value_and_gradients(*batch)
        return float(value), gradients

    return step


def dense_mp_nce(batch, log_temperature, offset, gather_positives):
    """MP-NCE from one matrix of all logits, written straight from the formula.

    The formula has a softplus for every (anchor, positive) pair. A mask over
    all elements is the shortest way to write it, and takes twice the time and
    memory of gathering the positives, the leanest dense form found (looking
    up a temperature for every element has a slow gradient). Every row is an
    anchor and its own positive; the three pairs of domains weigh the same.
    Temperatures and offsets `[3]` are those of image-image, image-text and
    text-text.
    """
    images, texts, image_ids, text_ids = batch
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

    # [n + m, n + m]
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
    shares = [tf.where(pair == index, weight, 0.0) for index in range(3)]
    losses = [tf.reduce_sum(s * terms) / tf.reduce_sum(s) for s in shares]
    return tf.add_n(losses) / 3
