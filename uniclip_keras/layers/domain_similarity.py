"""Similarity logits with a temperature and an offset for each domain pair."""

import itertools
import math
from collections.abc import Mapping

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError

DEFAULT_TEMPERATURE = 0.07


@keras.saving.register_keras_serializable("uniclip_keras")
class DomainSimilarity(keras.layers.Layer):
    """Similarity logits with learnable parameters for each domain pair.

    The logit of rows `i` and `j`, whose domains form the unordered pair `D`,
    is `(cos(z_i, z_j) - offset_D) / temperature_D`. An image-image pair need
    not be as close as an image-text pair to count as equally similar (UniCLIP,
    section 3.3, "domain-dependent similarity measure"). K domains form
    K(K+1)/2 pairs. All computation is in float32 under every dtype policy.

    Args:
        domains: Sequence of domain names, at least one.
        temperature: float, the initial temperature of all pairs, or a mapping
            from pair name (`"image-text"`) to float, 0.07 for the others.
        offset: The initial offset, likewise; 0 for the others.
        shared: bool. Whether all pairs share one temperature and one offset.
        learn_temperature: bool, or names of the pairs to learn it for.
        learn_offset: bool, or names of the pairs to learn it for.
        temperature_range: Tuple `(lowest, highest)`, or None for no bounds.

    Call arguments:
        first: float tensor `[n, dim]`. Embeddings of the first domain.
        second: float tensor `[m, dim]`. Embeddings of the second domain.
        domains: Tuple of the names of the two domains, in either order.

    Returns:
        float32 logits `[n, m]`.

    Raises:
        InputError: If a domain is unknown or repeated, an argument names an
            unknown pair, or a temperature is out of range.

    Example:

    ```python
    similarity = DomainSimilarity(domains=("image", "text"))
    images, texts = tf.random.normal([4, 8]), tf.random.normal([2, 8])
    similarity(images, texts, domains=("image", "text")).shape  # (4, 2)
    ```
    """

    def __init__(
        self,
        domains=("image", "text"),
        temperature=DEFAULT_TEMPERATURE,
        offset=0.0,
        shared=False,
        learn_temperature=True,
        learn_offset=True,
        temperature_range=(0.01, 100.0),
        name="domain_similarity",
        **kwargs,
    ):
        # Half precision would ruin the exponentials of logits.
        kwargs["dtype"] = "float32"
        super().__init__(name=name, **kwargs)
        self.domains = domains = tuple(domains)
        if not domains or len(set(domains)) != len(domains):
            raise InputError(
                f"domains={domains!r}: give at least one name, and none twice."
            )
        self.pairs = tuple(
            "-".join(pair)
            for pair in itertools.combinations_with_replacement(domains, 2)
        )
        self.arguments = {
            "temperature": temperature,
            "offset": offset,
            "shared": shared,
            "learn_temperature": learn_temperature,
            "learn_offset": learn_offset,
            "temperature_range": temperature_range and list(temperature_range),
        }
        self.shared = shared
        temperatures = self._per_pair(
            "temperature", temperature, DEFAULT_TEMPERATURE
        )
        self.temperature_range = _check_range(temperature_range, temperatures)
        self._temperature_learned = self._which_learned(
            "learn_temperature", learn_temperature
        )
        self._offset_learned = self._which_learned("learn_offset", learn_offset)
        self.log_temperature = self._add_parameter(
            "log_temperature",
            [math.log(t) for t in temperatures],
            self._temperature_learned,
        )
        self.offset = self._add_parameter(
            "offset",
            self._per_pair("offset", offset, 0.0),
            self._offset_learned,
        )
        self.built = True

    def _per_pair(self, argument, value, default):
        """The initial values of a parameter: one per pair, or one for all."""
        if not isinstance(value, Mapping):
            value = dict.fromkeys(self.pairs, value)
        self.check_pairs(argument, value)
        values = [float(value.get(pair, default)) for pair in self.pairs]
        if not self.shared:
            return values
        if len(set(values)) > 1:
            raise InputError(
                f"{argument}={value!r}: give one number with shared=True."
            )
        return values[:1]

    def _which_learned(self, argument, value):
        """Whether each entry of a parameter is learned."""
        if isinstance(value, bool):
            return [value] * (1 if self.shared else len(self.pairs))
        self.check_pairs(argument, value)
        if self.shared:
            raise InputError(
                f"{argument}={value!r}: give True or False with shared=True."
            )
        return [pair in value for pair in self.pairs]

    def _add_parameter(self, name, values, learned):
        return self.add_weight(
            name=name,
            shape=(len(values),),
            initializer=lambda shape, dtype: tf.constant(values, dtype, shape),
            trainable=any(learned),
        )

    def check_pairs(self, argument, names):
        """Raises InputError unless an argument names pairs of the domains."""
        for name in names:
            if name not in self.pairs:
                raise InputError(
                    f"{argument} names {name!r}; the pairs of the domains are "
                    f"{list(self.pairs)}."
                )

    def pair_index(self, first, second):
        """Returns the index of an unordered pair in `pairs` and variables.

        Raises InputError if a domain is unknown.
        """
        for domain in (first, second):
            if domain not in self.domains:
                raise InputError(
                    f"The domain {domain!r} is unknown; give one of "
                    f"{self.domains}, or add it to `domains`."
                )
        ordered = sorted((first, second), key=self.domains.index)
        return self.pairs.index("-".join(ordered))

    def parameters(self):
        """Returns `(inverse_temperature, offset)`, float32 `[pairs]` each."""
        low, high = self.temperature_range
        log_temperature = _stop_unlearned(
            self.log_temperature, self._temperature_learned
        )
        if low > 0 or high < math.inf:
            log_temperature = _bounded(
                log_temperature, math.log(low), math.log(high)
            )
        offset = _stop_unlearned(self.offset, self._offset_learned)
        inverse, pairs = tf.exp(-log_temperature), [len(self.pairs)]
        return tf.broadcast_to(inverse, pairs), tf.broadcast_to(offset, pairs)

    def call(self, first, second, domains):
        index = self.pair_index(*domains)
        inverse, offset = self.parameters()
        first, second = unit_length(first), unit_length(second)
        cosine = tf.matmul(first, second, transpose_b=True)  # [n, m]
        return (cosine - offset[index]) * inverse[index]

    def values(self, pairs=None):
        """Returns the current parameters of all pairs, or of those in `pairs`.

        A dict of scalar tensors, such as `"temperature/image-text"` and
        `"offset/image-text"`.
        """
        inverse, offset = self.parameters()
        logs = {}
        for index, pair in enumerate(self.pairs):
            if pairs is None or pair in pairs:
                logs[f"temperature/{pair}"] = 1.0 / inverse[index]
                logs[f"offset/{pair}"] = offset[index]
        return logs

    def get_config(self):
        domains = {"domains": self.domains}
        return {**super().get_config(), **domains, **self.arguments}


def unit_length(x):
    """Scales rows to unit length in float32. A zero row stays zero, not NaN."""
    x = tf.cast(x, tf.float32)
    squares = tf.reduce_sum(tf.square(x), axis=-1, keepdims=True)
    return x * tf.math.rsqrt(tf.maximum(squares, 1e-12))


def _check_range(temperature_range, temperatures):
    low, high = temperature_range or (0.0, math.inf)
    if temperature_range and not 0 < low < high:
        raise InputError(
            f"temperature_range={temperature_range!r}: give two ascending "
            "numbers above 0, or None."
        )
    for value in temperatures:
        if not low <= value <= high or not value > 0:
            raise InputError(
                f"temperature={value!r}: give a number above 0 from {low} to "
                f"{high}, or another temperature_range."
            )
    return low, high


@tf.custom_gradient
def _bounded(x, low, high):
    """Clips `x`, with no gradient where a step would move it further out.

    The gradient of a plain clip is zero beyond its bounds, so a parameter that
    once passed one could never return.
    """

    def grad(upstream):
        # Descent moves x along -upstream.
        leaves = ((x <= low) & (upstream > 0)) | ((x >= high) & (upstream < 0))
        return tf.where(leaves, tf.zeros_like(upstream), upstream), None, None

    return tf.clip_by_value(x, low, high), grad


def _stop_unlearned(variable, learned):
    """The value of a variable, with gradient only to the learned entries."""
    value = tf.convert_to_tensor(variable)
    if all(learned):
        return value
    return tf.where(learned, value, tf.stop_gradient(value))
