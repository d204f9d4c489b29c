"""Domain-dependent similarity: a temperature and an offset per domain pair."""

import itertools
import math
from collections.abc import Mapping

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError

TEMPERATURE_RANGE = (0.01, 100.0)


def pair_name(first, second):
    """The name of an unordered domain pair given in domain order."""
    return f"{first}-{second}"


@tf.custom_gradient
def _bounded(x, low, high):
    """Clip whose gradient vanishes only where a step would go further out.

    A plain clip kills the gradient at the bound and a parameter that once
    passed it could never return.
    """

    def grad(upstream):
        # Descent moves x along -upstream.
        leaves = ((x <= low) & (upstream > 0)) | ((x >= high) & (upstream < 0))
        return tf.where(leaves, tf.zeros_like(upstream), upstream), None, None

    return tf.clip_by_value(x, low, high), grad


@keras.saving.register_keras_serializable("uniclip_keras")
class DomainSimilarity(keras.layers.Layer):
    """Similarity logits with learnable parameters for each domain pair.

    The logit of rows `i` and `j` from domains forming the unordered pair `D`
    is `(cos(z_i, z_j) - offset_D) / temperature_D`: an image-image pair need
    not be as close as an image-text pair to count as equally similar
    (UniCLIP, section 3.3, "domain-dependent similarity measure"). K domains
    have K(K+1)/2 pairs. Computation is float32 under every dtype policy.

    Args:
        domains: sequence of domain names, at least one.
        temperature: initial temperature, in [0.01, 100], of every pair, or a
            mapping from pair name (`"image-text"`) to initial value.
        offset: initial offset of every pair, or such a mapping.

    Call arguments:
        first: float tensor `[n, dim]`, embeddings of `domains[0]` of the call.
        second: float tensor `[m, dim]`.
        domains: the two domain names, in either order of the pair.

    Returns:
        float32 logits `[n, m]`.

    Raises:
        InputError: for an unknown or repeated domain, or a temperature out
            of range.

    Example:

    ```python
    similarity = DomainSimilarity(domains=("image", "text"))
    logits = similarity(images, texts, domains=("image", "text"))
    ```
    """

    def __init__(
        self,
        domains=("image", "text"),
        temperature=0.07,
        offset=0.0,
        name="domain_similarity",
        **kwargs,
    ):
        # The logits feed exponentials: half precision would ruin them.
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        domains = tuple(domains)
        if not domains or len(set(domains)) != len(domains):
            raise InputError(
                f"domains={domains!r} must hold at least one name and none "
                "twice; give for example ('image', 'text')."
            )
        self.domains = domains
        self.pairs = tuple(
            pair_name(*pair)
            for pair in itertools.combinations_with_replacement(domains, 2)
        )
        self.initial_temperature = temperature
        self.initial_offset = offset
        temperatures = self._per_pair("temperature", temperature)
        low, high = TEMPERATURE_RANGE
        for pair, value in zip(self.pairs, temperatures, strict=True):
            if not low <= value <= high:
                raise InputError(
                    f"temperature {value!r} of {pair} is outside "
                    f"[{low}, {high}]; 0.07 is the usual start."
                )
        self.log_temperature = self.add_weight(
            name="log_temperature",
            shape=(len(self.pairs),),
            initializer=_constant([math.log(t) for t in temperatures]),
        )
        self.offset = self.add_weight(
            name="offset",
            shape=(len(self.pairs),),
            initializer=_constant(self._per_pair("offset", offset)),
        )
        self.built = True

    def _per_pair(self, what, value):
        if not isinstance(value, Mapping):
            return [float(value)] * len(self.pairs)
        if set(value) != set(self.pairs):
            raise InputError(
                f"{what} names the pairs {sorted(value)}, but the domains "
                f"{self.domains} form {list(self.pairs)}; name each once."
            )
        return [float(value[pair]) for pair in self.pairs]

    def pair_index(self, first, second):
        """Position of the unordered pair in `pairs` and in the variables."""
        for domain in (first, second):
            if domain not in self.domains:
                raise InputError(
                    f"domain {domain!r} is unknown to this similarity; it "
                    f"was made for {self.domains}: add it to `domains`."
                )
        ordered = sorted((first, second), key=self.domains.index)
        return self.pairs.index(pair_name(*ordered))

    def parameters(self):
        """Returns `(inverse_temperature, offset)`, float32 `[pairs]` each."""
        low, high = (math.log(t) for t in TEMPERATURE_RANGE)
        log_temperature = tf.convert_to_tensor(self.log_temperature)
        inverse = tf.exp(-_bounded(log_temperature, low, high))
        return inverse, tf.convert_to_tensor(self.offset)

    def call(self, first, second, domains):
        index = self.pair_index(*domains)
        inverse, offset = self.parameters()
        cosine = tf.matmul(
            unit_length(first), unit_length(second), transpose_b=True
        )
        return (cosine - offset[index]) * inverse[index]

    def values(self):
        """Current parameters by name, for logs and reports.

        Returns:
            dict `"temperature/image-text" -> scalar tensor`, and the same for
            `"offset/..."`.
        """
        inverse, offset = self.parameters()
        logs = {}
        for index, pair in enumerate(self.pairs):
            logs[f"temperature/{pair}"] = 1.0 / inverse[index]
            logs[f"offset/{pair}"] = offset[index]
        return logs

    def get_config(self):
        config = super().get_config()
        config.update(
            domains=self.domains,
            temperature=self.initial_temperature,
            offset=self.initial_offset,
        )
        return config


def unit_length(x):
    """float32 rows of unit length; a zero row stays zero, not NaN."""
    x = tf.cast(x, tf.float32)
    squares = tf.reduce_sum(tf.square(x), axis=-1, keepdims=True)
    return x * tf.math.rsqrt(tf.maximum(squares, 1e-12))


def _constant(values):
    def initializer(shape, dtype=None):
        return tf.reshape(tf.constant(values, dtype), shape)

    return initializer
