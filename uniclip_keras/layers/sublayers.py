"""The parts of layers: made, built and named."""

from keras import layers


def sublayer(layer_type, layer, name, width, **options):
    """Makes and builds a part of `layer` that reads `[n, width]`."""
    part = layer_type(name=name, dtype=layer.dtype_policy, **options)
    part.build((None, width))
    return part


def dense_sublayer(layer, name, width, units, **options):
    """Makes and builds a dense part of `layer`, from `width` to `units`."""
    return sublayer(layers.Dense, layer, name, width, units=units, **options)
