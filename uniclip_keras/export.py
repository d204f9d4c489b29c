"""SavedModel export: a directory that serves without this library."""

import pathlib

import keras
import tensorflow as tf

from uniclip_keras.data.augmentation import evaluation_view
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.errors import InputError


def export_saved_model(model, tokenizer, image_size, path):
    """Writes a SavedModel with named signatures.

    | signature | input | output `[n, dim]`, unit length |
    | --- | --- | --- |
    | `image_bytes` (default) | string `[n]`, encoded PNG or JPEG | images |
    | `images` | float32 `[n, size, size, 3]` in [0, 1] | images |
    | `text` | string `[n]` | texts |
    | `tokens` | int32 `[n, length]` | texts |

    Images are embedded as untouched: whole image, identity augmentation. The
    tokenizer is part of the model; loading needs `tensorflow_text` beside
    tensorflow where the tokenizer uses its operations.

    Args:
        model: a `UniCLIP` model.
        tokenizer: its tokenizer, a Keras layer from strings to ids.
        image_size: pixels of the square input of the image encoder.
        path: directory to write; must not exist or be empty.

    Raises:
        InputError: when `path` holds something already.
    """
    path = pathlib.Path(path)
    if path.exists() and any(path.iterdir()):
        raise InputError(
            f"{path} is not empty; give a new directory for the SavedModel."
        )

    shape = [image_size, image_size, 3]

    def image_bytes(encoded):
        images = tf.map_fn(
            lambda one: evaluation_view(decode_image(one), image_size),
            encoded,
            fn_output_signature=tf.TensorSpec(shape, tf.float32),
        )
        return model.encode_image(images)

    def text(strings):
        return model.encode_text(tokenizer(strings))

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.track(tokenizer)
    for name, function, spec in (
        ("image_bytes", image_bytes, tf.TensorSpec([None], tf.string)),
        (
            "images",
            model.encode_image,
            tf.TensorSpec([None, *shape], tf.float32),
        ),
        ("text", text, tf.TensorSpec([None], tf.string)),
        (
            "tokens",
            model.encode_text,
            tf.TensorSpec([None, tokenizer.context_length], tf.int32),
        ),
    ):
        archive.add_endpoint(name, function, input_signature=[spec])
    archive.write_out(str(path), verbose=False)
