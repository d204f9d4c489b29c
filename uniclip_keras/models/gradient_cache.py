"""Gradient caching: a step on a batch that does not fit into memory.

The loss needs the embeddings of the whole batch at once, the encoders do not.
So the batch is embedded in chunks without a tape, the loss is differentiated
with respect to the embeddings, and each chunk is embedded again under a tape
that takes its part of this gradient to the weights (GradCache, Gao et al.
2021, arXiv 2101.06983). This takes the memory of one chunk and one more
forward pass, and gives the gradient of the batch.

A forward pass may change a model's state (dropout seeds, moving averages).
The loops carry this state as values and assign it once at the end: the second
pass starts from the state of the first and so draws the same dropout masks,
and the loops have no side effects, which replicas and XLA do not allow.
"""

import warnings

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.losses.replicas import replica_count
from uniclip_keras.models.step import objective_loss
from uniclip_keras.models.step import scaled_sum


def embed(model, data, size, training=False):
    """Computes `model(data, training)` in chunks, without a tape: float32."""
    chunks, state = _Chunks(model, data, size), _State(model)
    return _flat(_embed(model, chunks, state, training))


def loss_and_gradients(model, data, size):
    """Computes what `step.loss_and_gradients` does, `size` items at a time.

    An activity regularizer, in Keras a mean over items, is weighted by the
    chunk's share of the items.

    Raises:
        InputError: If a random operation has no seed that the model holds, or
            the size does not divide the batch under XLA.
    """
    chunks, state = _Chunks(model, data, size), _State(model)
    start = state.values()
    embeddings = _embed(model, chunks, state, training=True)
    weights = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([embeddings, weights])
        loss = objective_loss(model, _flat(embeddings), data)
        # Penalties of weights; those of activities are added per chunk.
        scaled = scaled_sum(model, loss, *model.losses)
    cached, gradients = tape.gradient(scaled, [embeddings, weights])
    cached = {d: g for d, g in cached.items() if g is not None}
    has_gradient = {i for i, g in enumerate(gradients) if g is not None}

    def add_chunk(chunk, values, totals):
        rows = chunks.rows(chunk)
        inputs, upstream = _take((chunks.inputs, cached), rows)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(weights)
            outputs, values, penalties = state.call(inputs, values, True)
            products = [
                tf.reduce_sum(_float32(outputs[domain]) * gradient)
                for domain, gradient in _flat(upstream).items()
            ]
            # The gradient of this sum is the cached one times the Jacobian.
            target = tf.add_n(products)
            if penalties:
                share = _float32(tf.size(rows) / chunks.items)
                target += share * scaled_sum(model, *penalties)
        totals = list(totals)
        for index, gradient in enumerate(tape.gradient(target, weights)):
            if gradient is not None:
                totals[index] += tf.convert_to_tensor(gradient)
                has_gradient.add(index)
        return chunk + 1, values, totals

    totals = [
        tf.zeros_like(weight) if gradient is None else gradient
        for weight, gradient in zip(weights, gradients, strict=True)
    ]
    _, _, totals = chunks.loop(add_chunk, start, totals)
    return loss, [
        total if index in has_gradient else None
        for index, total in enumerate(totals)
    ]


def _embed(model, chunks, state, training):
    """Embeds all chunks: dict domain -> float32 `[items, rows, dim]`."""

    def add_chunk(chunk, values, found):
        rows = chunks.rows(chunk)
        inputs = _take(chunks.inputs, rows)
        outputs, values, _ = state.call(inputs, values, training)
        found = dict(found)
        for domain, z in found.items():
            new = tf.reshape(_float32(outputs[domain]), [-1, *z.shape[1:]])
            found[domain] = tf.tensor_scatter_nd_update(z, rows[:, None], new)
        return chunk + 1, values, found

    shapes = model.embedding_shapes(chunks.inputs)
    found = {d: tf.zeros([chunks.items, *s]) for d, s in shapes.items()}
    _, values, found = chunks.loop(add_chunk, state.values(), found)
    state.assign(values)
    return found


def _take(values, rows):
    """Gathers rows of each tensor of a nested structure."""
    return tf.nest.map_structure(lambda x: tf.gather(x, rows), values)


def _float32(x):
    return tf.cast(x, tf.float32)


def _flat(embeddings):
    """`[items, rows, dim]` -> `[items * rows, dim]` for each domain."""
    return {d: tf.reshape(z, [-1, z.shape[-1]]) for d, z in embeddings.items()}


class _Chunks:
    """A batch in chunks of `size` items; the last one holds the remainder."""

    def __init__(self, model, data, size):
        self.inputs = {n: data[n] for n in ("views", "augmentations", "tokens")}
        count = data["tokens"].shape[0]
        self.items = count or tf.shape(data["tokens"])[0]
        self.size, self.count = size, -(-self.items // size)
        self.equal = count is not None and count % size == 0
        strategy = model.distribute_strategy
        on_tpu = isinstance(strategy, tf.distribute.TPUStrategy)
        if (model.jit_compile or on_tpu) and not self.equal:
            raise InputError(
                f"gradient_cache_size={size} must divide the replica's batch "
                f"of {count} for XLA; choose a divisor, or compile with "
                "jit_compile=False, which TPUs cannot."
            )

    def rows(self, chunk):
        """The indices of a chunk's items, int32 `[n]`."""
        first, count = chunk * self.size, self.size
        if not self.equal:
            count = tf.minimum(count, self.items - first)
        return first + tf.range(count)

    def loop(self, body, *values):
        """Runs `body(chunk, *values)` for one chunk after the other."""
        return tf.while_loop(
            lambda chunk, *_: chunk < self.count,
            body,
            (tf.constant(0), *values),
            # Parallel chunks would take the memory of the whole batch.
            parallel_iterations=1,
        )


class _State:
    """The state that a forward pass may change in a model, as values."""

    def __init__(self, model):
        self.model = model
        self.variables = model.non_trainable_variables
        self.changed = set()

    def values(self):
        return [tf.convert_to_tensor(v.value) for v in self.variables]

    def call(self, inputs, values, training):
        """Returns `(embeddings, new values, activity penalties)`."""
        with keras.StatelessScope(
            zip(self.variables, values, strict=True), collect_losses=True
        ) as scope:
            embeddings = self.model(inputs, training=training)
        if len(scope.state_mapping) > len(self.variables):
            raise InputError(
                f"{self.model.name!r} draws random numbers or changes a state "
                "that it does not hold; give the layer a "
                "keras.random.SeedGenerator, or leave gradient_cache_size out."
            )
        new = [scope.get_current_value(v) for v in self.variables]
        self.changed.update(
            i for i, value in enumerate(new) if value is not values[i]
        )
        return embeddings, new, scope.losses

    def assign(self, values):
        """Assigns the values that calls have changed; frozen ones stay."""
        for index in self.changed:
            self.variables[index].assign(values[index])


def check_chunks(model, size):
    """Refuses models that cannot run in chunks.

    A loop cannot synchronize batch normalization over several replicas. On one
    it sees the statistics of a chunk, which a warning says.
    """
    if size < 1:
        raise InputError(
            f"gradient_cache_size={size!r} must be at least 1 item, or None."
        )
    kind = keras.layers.BatchNormalization
    layers = [x for x in model._flatten_layers() if isinstance(x, kind)]
    norms = [layer for layer in layers if layer.trainable]
    synchronized = [layer.name for layer in norms if layer.synchronized]
    if synchronized and replica_count() > 1:
        raise InputError(
            f"gradient_cache_size={size}: on {replica_count()} replicas chunks "
            f"cannot synchronize the batch normalization {synchronized}; "
            "freeze it (trainable=False) or leave gradient_cache_size out."
        )
    if norms:
        warnings.warn(
            f"gradient_cache_size={size}: the batch normalization "
            f"{[layer.name for layer in norms]} sees the statistics of "
            f"{size} items, so that the gradient is not exactly the batch's.",
            stacklevel=3,
        )
