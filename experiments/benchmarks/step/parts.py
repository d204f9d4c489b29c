"""Where our step spends its time."""

import tensorflow as tf

from experiments.benchmarks import measuring
from experiments.benchmarks.step import keras_sides
from uniclip_keras.models import step as model_step


def measure_parts(start, sizes, repeats):
    """Returns the seconds of the parts of our step, each run by itself.

    A part is a forward and backward pass. "update" is the rest of the step:
    the check of the gradients, the optimizer and the metrics. "dense products"
    are the matrix products that both towers cannot do without.
    """
    tf.config.optimizer.set_experimental_options(
        {"disable_meta_optimizer": True}
    )
    model, batch = keras_sides.load(start, sizes)
    model.compile(optimizer=keras_sides.make_optimizer(), jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    embeddings = model(batch)

    def tower(encoder, inputs):
        def run():
            with tf.GradientTape() as tape:
                features = encoder(inputs, training=True)
            values = [v.value for v in encoder.trainable_variables]
            return tape.gradient(features, values)

        return run

    def loss():
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            value = model_step.objective_loss(model, embeddings, batch)
        return tape.gradient(value, embeddings)

    seconds = {
        name: _median_seconds(function, repeats)
        for name, function in {
            "image tower": tower(model.image_encoder, batch["views"][:, 0]),
            "text tower": tower(model.text_encoder, batch["tokens"]),
            "dense products": _dense_products(sizes),
            "loss": loss,
            "both": lambda: model_step.loss_and_gradients(model, batch)[1],
            "step": lambda: model.train_step(batch),
        }.items()
    }
    seconds["update"] = seconds["step"] - seconds.pop("both")
    return seconds


def _dense_products(sizes):
    """Returns a function: the products of the towers' dense layers alone.

    One forward and two backward each. The last layer of a tower needs all
    tokens for its keys and values only.
    """
    width, batch = sizes["width"], sizes["batch"]
    patches = (sizes["image_size"] // sizes["patch_size"]) ** 2
    layers = []
    for tokens, count in (
        (patches + 1, sizes["layers"]),
        (sizes["context"], sizes["text_layers"]),
    ):
        for layer in range(count):
            every = batch * tokens
            rows = every if layer < count - 1 else batch
            layers += [
                (every, width, 2 * width),
                (rows, width, width),
                (rows, width, width),
                (rows, width, 4 * width),
                (rows, 4 * width, width),
            ]
    # Own inputs of each: TensorFlow computes equal products once.
    operands = [
        (tf.random.normal([rows, inputs]), tf.random.normal([inputs, units]))
        for rows, inputs, units in layers
    ]

    def run():
        found = []
        for x, kernel in operands:
            y = tf.matmul(x, kernel)
            found += [tf.matmul(y, kernel, transpose_b=True)]
            found += [tf.matmul(x, y, transpose_a=True)]
        return tf.stack([product[0, 0] for product in found])

    return run


def _median_seconds(function, repeats):
    graph = tf.function(function, autograph=False)

    def call():
        # A copy waits for a device that computes by itself. The gradient of an
        # embedding has parts.
        tf.nest.flatten(graph(), expand_composites=True)[0].numpy()

    call()
    times = sorted(measuring.timed(call)[0] for _ in range(repeats))
    return times[len(times) // 2]
