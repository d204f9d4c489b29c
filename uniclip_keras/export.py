"""SavedModel export, for serving without this library."""

import pathlib

import keras
import tensorflow as tf

from uniclip_keras.data.augmentation import evaluation_view
from uniclip_keras.data.images.decoding import decode_image
from uniclip_keras.errors import InputError


def export_saved_model(model, tokenizer, image_size, path):
    """Writes a SavedModel with one signature for each kind of input.

    | signature | input | output, float32 `[n, dim]` of unit length |
    | --- | --- | --- |
    | `image_bytes` (default) | string `[n]`, encoded images | of images |
    | `images` | float32 `[n, size, size, 3]` in [0, 1] | of images |
    | `text` | string `[n]` | of texts |
    | `tokens` | int32 `[n, length]` | of texts |

    Images are embedded whole, with the augmentation vector of an untouched
    image. The SavedModel contains the tokenizer; a program that loads it must
    import `tensorflow_text` if the tokenizer uses its operations.

    Args:
        model: A `UniCLIP` model.
        tokenizer: The model's tokenizer, a `tf.Module` from strings to ids.
        image_size: int. Pixels of the square input of the image encoder.
        path: Directory to write; it must be empty or not exist.

    Raises:
        InputError: If `path` is not empty.
    """
    path = pathlib.Path(path)
    if path.exists() and any(path.iterdir()):
        raise InputError(f"{path} is not empty; give a new directory.")
    image = tf.TensorSpec([image_size, image_size, 3], tf.float32)
    images = tf.TensorSpec([None, *image.shape], tf.float32)
    string = tf.TensorSpec([None], tf.string)
    tokens = tf.TensorSpec([None, tokenizer.context_length], tf.int32)

    def embed_image_bytes(encoded):
        decoded = tf.map_fn(
            lambda one: evaluation_view(decode_image(one), image_size),
            encoded,
            fn_output_signature=image,
        )
        return model.encode_image(decoded)

    def embed_text(strings):
        return model.encode_text(tokenizer(strings))

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.track(tokenizer)
    # The first endpoint is also the default signature.
    for name, function, signature in (
        ("image_bytes", embed_image_bytes, string),
        ("images", model.encode_image, images),
        ("text", embed_text, string),
        ("tokens", model.encode_text, tokens),
    ):
        archive.add_endpoint(name, function, input_signature=[signature])
    archive.write_out(str(path), verbose=False)
