"""What every transformer tower asks of its sizes, and its layers."""

from uniclip_keras.errors import InputError
from uniclip_keras.layers.transformer import TransformerBlock


def apply_blocks(x, layers, heads, mlp_width, positions=None, **options):
    """Applies transformer blocks, the last one at `positions` alone.

    Args:
        x: Tokens `[b, t, width]`.
        layers: int.
        positions: See `TransformerBlock`.
        heads, mlp_width, options: Arguments of `TransformerBlock`.
    """
    for index in range(layers):
        block = TransformerBlock(
            heads, mlp_width, name=f"block_{index}", **options
        )
        is_last = index == layers - 1
        x = block(x, positions=positions if is_last else None)
    return x


def check_heads(width, heads):
    """Raises `InputError` unless the heads share the width evenly.

    KerasHub would round their share down and train a narrower attention.
    """
    if heads < 1 or width % heads:
        divisors = [n for n in range(1, width + 1) if not width % n]
        near = min(divisors, key=lambda n: (abs(n - heads), -n), default=1)
        raise InputError(
            f"heads={heads} does not divide width={width}; choose {near} heads "
            "or a width that is a multiple of them."
        )


def check_patches(image_size, patch_size, name="image_size"):
    """Raises `InputError` unless the patches cover the image exactly.

    `name` is what messages call the size.
    """
    if patch_size < 1:
        raise InputError(f"patch_size={patch_size} must be at least 1 pixel.")
    if image_size < 1 or image_size % patch_size:
        lower = max(patch_size, image_size // patch_size * patch_size)
        raise InputError(
            f"{name}={image_size} is no multiple of the patches' "
            f"{patch_size} pixels; choose {lower} or another multiple."
        )


def check_layers(layers):
    """Raises `InputError` unless there is a layer to take features from."""
    if layers < 1:
        raise InputError(f"layers={layers}: choose 1 or more.")
