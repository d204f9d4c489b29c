"""Class lists: which names the classes of labelled images have."""

import json

import tensorflow as tf

from uniclip_keras.data.sources.texts import join_lines
from uniclip_keras.errors import InputError


def read_classes(path):
    """Reads a class list, `[{"label": ..., "texts": [name, synonym, ...]}]`.

    Args:
        path: The JSON file.

    Returns:
        `{label: (name, synonym, ...)}`, labels as strings.

    Raises:
        InputError: It is missing, of another form, empty, or lists a label
            twice or without a text.
    """
    if not tf.io.gfile.exists(path):
        raise InputError(
            f"The class list '{path}' does not exist: prepare the data, or "
            "correct the path."
        )
    try:
        with tf.io.gfile.GFile(path) as file:
            entries = json.loads(file.read())
        pairs = [(str(entry["label"]), entry["texts"]) for entry in entries]
    except (ValueError, TypeError, KeyError):
        pairs = []
    if not pairs:
        raise InputError(
            f"The class list '{path}' holds no classes: write it as "
            '[{"label": ..., "texts": [name, synonym, ...]}, ...].'
        )
    classes = {}
    for label, texts in pairs:
        names = join_lines(texts if isinstance(texts, list) else [])
        if not names:
            raise InputError(
                f"The class {label!r} in '{path}' has the texts {texts!r}: "
                "give it a list with at least one name."
            )
        if label in classes:
            raise InputError(
                f"The class {label!r} stands twice in '{path}': put all its "
                "names into one entry."
            )
        classes[label] = tuple(names.split("\n"))
    return classes
