"""Draws the texts of a row: captions, or class names in prompts."""

import numpy as np

from uniclip_keras.data.order.hashing import draw
from uniclip_keras.data.order.hashing import permutation


def draw_texts(text, is_name, count, templates, *key):
    """Draws texts of a sample; the same key draws the same texts.

    Args:
        text: String of one or more lines, each a caption or a class name.
        is_name: Whether the lines are class names. Each one goes into a
            template of its own (UniCL, section 3.1).
        count: Int. Number of texts: different lines if there are as many,
            otherwise all lines in turn.
        templates: Tuple of strings, the result of `prompt_templates`.
        *key: Integers.

    Returns:
        List of strings.
    """
    lines = text.split("\n")
    if len(lines) > 1:
        lines = [lines[place] for place in permutation(len(lines), *key, 0)]
    texts = [lines[place % len(lines)] for place in range(count)]
    if not is_name:
        return texts
    chosen = draw(len(templates), *key, 1, np.arange(count))
    return [
        templates[place].replace("{}", name)
        for place, name in zip(chosen, texts, strict=True)
    ]
