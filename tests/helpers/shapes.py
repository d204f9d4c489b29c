"""Drawings of simple shapes, which a tiny model learns in a few steps."""

import numpy as np

SHAPES = ("dot", "bar", "frame")


def draw(color, shape, size=24):
    """Draws a shape in an RGB color on white, uint8 `[size, size, 3]`."""
    pixels = np.full((size, size, 3), 255, np.uint8)
    inside = {
        "dot": (slice(8, 16), slice(8, 16)),
        "bar": (slice(10, 14), slice(2, 22)),
        "frame": (slice(2, 22), slice(2, 22)),
    }[shape]
    pixels[inside] = color
    if shape == "frame":
        pixels[6:18, 6:18] = 255
    return pixels
