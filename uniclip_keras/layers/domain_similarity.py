"""Domain-dependent similarity: a temperature and an offset per domain pair."""

import itertools
import math
from collections.abc import Mapping

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError

TEMPERATURE_RANGE = (0.01, 100.0)
USUAL_TEMPERATURE = 0.07


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
        temperature: initial temperature of every pair, or a mapping from pair
            name (`"image-text"`) to initial value; pairs that it leaves out
            start at 0.07.
        offset: initial offset of every pair, or such a mapping; pairs that it
            leaves out start at 0.
        shared: one temperature and one offset for all pairs.
        learn_temperature, learn_offset: True, False, or the names of the pairs
            whose parameter is learned.
        temperature_range: bounds of the temperature, or None for none.

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
        temperature=USUAL_TEMPERATURE,
        offset=0.0,
        shared=False,
        learn_temperature=True,
        learn_offset=True,
        temperature_range=TEMPERATURE_RANGE,
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
        self.arguments = {
            "temperature": temperature,
            "offset": offset,
            "shared": shared,
            "learn_temperature": learn_temperature,
            "learn_offset": learn_offset,
            "temperature_range": temperature_range and list(temperature_range),
        }
        self.shared = shared
        low, high = self.temperature_range = tuple(
            temperature_range or (0.0, math.inf)
        )
        if temperature_range is not None and not 0 < low < high:
            raise InputError(
                f"temperature_range={temperature_range!r} must be two numbers "
                "above 0, the lower first, or None for no bounds."
            )
        temperatures = self._start(
            "temperature", temperature, USUAL_TEMPERATURE
        )
        for value in temperatures:
            if not low <= value <= high or not value > 0:
                raise InputError(
                    f"temperature {value!r} is outside [{low}, {high}]; "
                    f"{USUAL_TEMPERATURE} is the usual start, and "
                    "temperature_range sets the bounds."
                )
        self.log_temperature, self._temperature_learned = self._parameter(
            "log_temperature",
            [math.log(t) for t in temperatures],
            self._learned("learn_temperature", learn_temperature),
        )
        self.offset, self._offset_learned = self._parameter(
            "offset",
            self._start("offset", offset, 0.0),
            self._learned("learn_offset", learn_offset),
        )
        self.built = True

    def _start(self, what, value, usual):
        """The start values: one per pair, or one for all."""
        if isinstance(value, Mapping):
            self._check_names(what, value)
            values = [float(value.get(pair, usual)) for pair in self.pairs]
        else:
            values = [float(value)] * len(self.pairs)
        if not self.shared:
            return values
        if len(set(values)) > 1:
            raise InputError(
                f"{what}={value!r} differs between pairs, but shared=True has "
                "one for all; give one number, or shared=False."
            )
        return values[:1]

    def _learned(self, what, value):
        """Which of the parameters are learned: a bool each."""
        if isinstance(value, bool):
            return [value] * (1 if self.shared else len(self.pairs))
        self._check_names(what, value)
        if self.shared:
            raise InputError(
                f"{what}={value!r} names pairs, but shared=True has one "
                "parameter for all; give True or False."
            )
        return [pair in value for pair in self.pairs]

    def _check_names(self, what, names):
        unknown = [name for name in names if name not in self.pairs]
        if unknown:
            raise InputError(
                f"{what} names {unknown[0]!r}, but the domains "
                f"{self.domains} form {list(self.pairs)}; choose from these."
            )

    def _parameter(self, name, start, learned):
        variable = self.add_weight(
            name=name,
            shape=(len(start),),
            initializer=_constant(start),
            trainable=any(learned),
        )
        return variable, learned

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
        low, high = self.temperature_range
        log_temperature = _where_learned(
            self.log_temperature, self._temperature_learned
        )
        if low > 0 or high < math.inf:
            log_temperature = _bounded(
                log_temperature, math.log(low), math.log(high)
            )
        offset = _where_learned(self.offset, self._offset_learned)
        pairs = [len(self.pairs)]
        return (
            tf.broadcast_to(tf.exp(-log_temperature), pairs),
            tf.broadcast_to(offset, pairs),
        )

    def call(self, first, second, domains):
        index = self.pair_index(*domains)
        inverse, offset = self.parameters()
        cosine = tf.matmul(
            unit_length(first), unit_length(second), transpose_b=True
        )
        return (cosine - offset[index]) * inverse[index]

    def values(self, pairs=None):
        """Current parameters by name, for logs and reports.

        Args:
            pairs: names of the pairs wanted; None for all.

        Returns:
            dict `"temperature/image-text" -> scalar tensor`, and the same for
            `"offset/..."`.
        """
        inverse, offset = self.parameters()
        logs = {}
        for index, pair in enumerate(self.pairs):
            if pairs is None or pair in pairs:
                logs[f"temperature/{pair}"] = 1.0 / inverse[index]
                logs[f"offset/{pair}"] = offset[index]
        return logs

    def get_config(self):
        config = super().get_config()
        config.update(domains=self.domains, **self.arguments)
        return config


def unit_length(x):
    """float32 rows of unit length; a zero row stays zero, not NaN."""
    x = tf.cast(x, tf.float32)
    squares = tf.reduce_sum(tf.square(x), axis=-1, keepdims=True)
    return x * tf.math.rsqrt(tf.maximum(squares, 1e-12))


def _where_learned(variable, learned):
    """The variable's value, with gradient only to the entries learned."""
    value = tf.convert_to_tensor(variable)
    if all(learned):
        return value
    return tf.where(learned, value, tf.stop_gradient(value))


def _constant(values):
    def initializer(shape, dtype=None):
        return tf.reshape(tf.constant(values, dtype), shape)

    return initializer
