"""Gradient caching: a step on a batch larger than the memory for it.

The loss needs the whole batch, the encoders need not. So chunk by chunk the
batch is embedded without a tape, the loss is differentiated with respect to
the embeddings, and each chunk is embedded again under a tape that takes its
part of this gradient to the weights (GradCache, Gao et al. 2021, arXiv
2101.06983). Memory is that of a chunk, the gradient that of the batch, the
price a second forward pass.

What a forward pass changes in a model (dropout's seeds, moving averages) goes
through the loops as values and is assigned once: the second pass starts where
the first one did and draws the same masks, and the loops have no side effects,
which replicas and XLA would not allow.
"""

import warnings

import keras
import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.losses.replicas import replica_count


def embed(model, data, size, training=False):
    """`model(data, training)` chunk by chunk, without a tape, in float32.

    Arguments and errors are those of `loss_and_gradients`.
    """
    chunks, state = _Chunks(model, data, size), _State(model)
    return _flat(_embed(model, chunks, state, training))


def loss_and_gradients(model, data, size):
    """The objective and its gradients, as of the whole batch at once.

    An activity regulariser, in Keras a mean over items, counts by the chunk's
    share of the items.

    Args:
        model: a compiled `UniCLIP` model.
        data: a replica's batch.
        size: items per chunk.

    Returns:
        `(loss, gradients)`: the replica's objective, and the gradients of
        `model.scaled(objective + penalties)` for the trainable variables,
        None for a variable that has no part in it.

    Raises:
        InputError: for a random operation without a seed of the model's, or
            under XLA for a size that does not divide the batch.
    """
    chunks, state = _Chunks(model, data, size), _State(model)
    start = state.values()
    embeddings = _embed(model, chunks, state, training=True)
    weights = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        loss = model.objective_loss(_flat(embeddings), data)
        # The weights' penalties; activities have theirs in the chunks.
        scaled = model.scaled(loss, *model.losses)
    cached, gradients = tape.gradient(scaled, [embeddings, weights])
    cached = {d: g for d, g in cached.items() if g is not None}
    reached = {i for i, g in enumerate(gradients) if g is not None}

    def add_chunk(index, values, totals):
        places = chunks.places(index)
        inputs, upstream = _take((chunks.inputs, cached), places)
        with tf.GradientTape() as tape:
            outputs, values, penalties = state.call(inputs, values, True)
            # A sum that has the cached gradient for its own.
            target = tf.add_n(
                [
                    tf.reduce_sum(_float32(outputs[domain]) * gradient)
                    for domain, gradient in _flat(upstream).items()
                ]
            )
            if penalties:
                share = _float32(tf.size(places) / chunks.items)
                target += share * model.scaled(*penalties)
        totals = list(totals)
        for place, gradient in enumerate(tape.gradient(target, weights)):
            if gradient is not None:
                totals[place] += tf.convert_to_tensor(gradient)
                reached.add(place)
        return index + 1, values, totals

    totals = [
        tf.zeros_like(weight) if gradient is None else gradient
        for weight, gradient in zip(weights, gradients, strict=True)
    ]
    _, _, totals = chunks.loop(add_chunk, start, totals)
    return loss, [
        total if place in reached else None
        for place, total in enumerate(totals)
    ]


def _embed(model, chunks, state, training):
    """Embeddings by item, dict domain -> float32 [items, rows, dim]."""

    def add_chunk(index, values, found):
        places = chunks.places(index)
        inputs = _take(chunks.inputs, places)
        outputs, values, _ = state.call(inputs, values, training)
        found = {
            domain: tf.tensor_scatter_nd_update(
                z,
                places[:, None],
                tf.reshape(_float32(outputs[domain]), [-1, *z.shape[1:]]),
            )
            for domain, z in found.items()
        }
        return index + 1, values, found

    shapes = model.embedding_shapes(chunks.inputs)
    found = {d: tf.zeros([chunks.items, *s]) for d, s in shapes.items()}
    _, values, found = chunks.loop(add_chunk, state.values(), found)
    state.assign(values)
    return found


def _take(values, places):
    """The items at `places` of each tensor of a nested structure."""
    return tf.nest.map_structure(lambda x: tf.gather(x, places), values)


def _float32(x):
    return tf.cast(x, tf.float32)


def _flat(embeddings):
    """Rows of all items: `[items, rows, dim]` -> `[items * rows, dim]`."""
    return {
        domain: tf.reshape(z, [-1, z.shape[-1]])
        for domain, z in embeddings.items()
    }


class _Chunks:
    """A batch as chunks of `size` items, the last one what remains."""

    def __init__(self, model, data, size):
        self.inputs = {
            name: data[name] for name in ("views", "augmentations", "tokens")
        }
        tokens = data["tokens"]
        self.items = tokens.shape[0] or tf.shape(tokens)[0]
        self.size = size
        self.count = -(-self.items // size)
        self.equal = isinstance(self.items, int) and self.items % size == 0
        if model.jit_compile and not self.equal:
            raise InputError(
                f"gradient_cache_size={size} must divide the replica's batch "
                f"of {tokens.shape[0]} for XLA: choose a divisor and drop the "
                "data's remainder, or compile with jit_compile=False."
            )

    def places(self, index):
        """Items of a chunk, int32 `[rows]`."""
        first, rows = index * self.size, self.size
        if not self.equal:
            rows = tf.minimum(rows, self.items - first)
        return first + tf.range(rows)

    def loop(self, body, *values):
        """Runs `body(index, *values)` for one chunk after the other."""
        return tf.while_loop(
            lambda index, *_: index < self.count,
            body,
            (tf.constant(0), *values),
            # Chunks side by side would take the memory of the whole batch.
            parallel_iterations=1,
        )


class _State:
    """What a forward pass may change in a model, as values."""

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
                f"{self.model.name!r} draws random numbers that a second pass "
                "cannot repeat, or changes a variable that it does not hold: "
                "give the layer a keras.random.SeedGenerator, or leave "
                "gradient_cache_size out."
            )
        new = [scope.get_current_value(v) for v in self.variables]
        self.changed.update(
            i for i, value in enumerate(new) if value is not values[i]
        )
        return embeddings, new, scope.losses

    def assign(self, values):
        """Writes back what calls have changed, and nothing frozen."""
        for index in self.changed:
            self.variables[index].assign(values[index])


def check_chunks(model, size):
    """Warns of batch normalization, which sees the statistics of a chunk.

    Args:
        model: a `UniCLIP` model, made in the scope of its strategy.
        size: items per chunk.

    Raises:
        InputError: for a size below 1, or for normalization synchronized
            over several replicas, which cannot meet within a loop.
    """
    if size < 1:
        raise InputError(
            f"gradient_cache_size={size!r} must be at least 1 item per chunk, "
            "or None to embed the batch at once."
        )
    norms = [
        layer
        for layer in model._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
        and layer.trainable
    ]
    synchronized = [layer.name for layer in norms if layer.synchronized]
    if synchronized and replica_count() > 1:
        raise InputError(
            f"gradient_cache_size={size}: on {replica_count()} replicas chunks "
            f"cannot synchronize the batch normalization {synchronized}; use "
            "an encoder without it, freeze it (trainable=False), or leave "
            "gradient_cache_size out."
        )
    if norms:
        warnings.warn(
            f"gradient_cache_size={size}: the batch normalization "
            f"{[layer.name for layer in norms]} sees the statistics of "
            f"{size} items, so that the gradient is not quite the batch's.",
            stacklevel=3,
        )
