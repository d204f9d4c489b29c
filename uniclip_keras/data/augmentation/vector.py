"""The augmentation vector: everything that was done to make one view.

One float32 vector of `VECTOR_SIZE` numbers per view, in this order:

| index | name | unit | identity |
| --- | --- | --- | --- |
| 0-3 | `top`, `left`, `height`, `width` | fractions of the image | 0, 0, 1, 1 |
| 4 | `flip` | 0 or 1 | 0 |
| 5-7 | `brightness`, `contrast`, `saturation` | factor - 1 | 0 |
| 8 | `hue` | turns, -0.5 to 0.5 | 0 |
| 9 | `grayscale` | 0 or 1 | 0 |
| 10 | `blur` | sigma in pixels of the view / 2 | 0 |

The operations are applied in the order of the table. All entries lie within
about [-1, 1], so a network can take the vector without scaling.
"""

import numpy as np

LAYOUT = (
    *("top", "left", "height", "width", "flip"),
    *("brightness", "contrast", "saturation", "hue"),
    *("grayscale", "blur"),
)
VECTOR_SIZE = len(LAYOUT)

BOX = slice(0, 4)
FLIP, BRIGHTNESS, CONTRAST, SATURATION, HUE, GRAYSCALE, BLUR = range(4, 11)

# Blur is the only entry whose natural unit would exceed 1.
BLUR_UNIT = 2.0

IDENTITY = np.array([0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0], np.float32)
IDENTITY.flags.writeable = False


def describe(vector):
    """Describes in words how the view of a vector `[11]` was made.

    Returns:
        A string such as `"crop 64 % at (0.10, 0.20), flipped, brightness
        x1.20, blur 0.8 px"` (the crop's share of the image's area, and its
        top left corner in fractions), or `"whole image"`.

    Raises:
        ValueError: If there are not 11 numbers.
    """
    vector = np.asarray(vector, np.float32).reshape(VECTOR_SIZE)
    named = dict(zip(LAYOUT, vector.tolist(), strict=True))
    words = []
    if np.any(vector[BOX] != IDENTITY[BOX]):
        words.append(
            f"crop {100 * named['height'] * named['width']:.0f} % "
            f"at ({named['top']:.2f}, {named['left']:.2f})"
        )
    if named["flip"] > 0.5:
        words.append("flipped")
    for name in ("brightness", "contrast", "saturation"):
        if named[name]:
            words.append(f"{name} x{1 + named[name]:.2f}")
    if named["hue"]:
        words.append(f"hue {360 * named['hue']:+.0f} degrees")
    if named["grayscale"] > 0.5:
        words.append("gray")
    if named["blur"] > 0:
        words.append(f"blur {BLUR_UNIT * named['blur']:.1f} px")
    return ", ".join(words) or "whole image"
