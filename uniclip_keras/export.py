"""SavedModels: export for serving without this library, and their use."""

import importlib
import pathlib

import keras
import tensorflow as tf

from uniclip_keras.data.augmentation import evaluation_view
from uniclip_keras.data.images.decoding import MAX_PIXELS
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.errors import InputError


def export_saved_model(
    model, tokenizer, image_size, path, max_pixels=MAX_PIXELS
):
    """Writes a SavedModel with one signature for each kind of input.

    | signature | input | output |
    | --- | --- | --- |
    | `image_bytes` (default) | string `[n]`, encoded | `embedding`, `valid` |
    | `images` | float32 `[n, size, size, 3]` in [0, 1] | `embedding` |
    | `text` | string `[n]` | `embedding` |
    | `tokens` | int32 `[n, length]` | `embedding` |

    `embedding` is float32 `[n, dim]` with rows of unit length. `valid` is bool
    `[n]`: false for bytes that cannot be decoded or are an image of more than
    `max_pixels`. Their rows of `embedding` are zeros.

    Images are embedded whole, with the augmentation vector of an untouched
    image. The SavedModel contains the tokenizer; a program that loads it must
    import `tensorflow_text` if the tokenizer uses its operations.

    Args:
        model: A `UniCLIP` model.
        tokenizer: The model's tokenizer, a `tf.Module` from strings to ids.
        image_size: int. Pixels of the square input of the image encoder.
        path: Directory to write; it must be empty or not exist.
        max_pixels: Int. Larger encoded images are not decoded.

    Raises:
        InputError: If `path` is not empty.
    """
    path = pathlib.Path(path)
    if path.exists() and any(path.iterdir()):
        raise InputError(f"{path} is not empty; give a new directory.")
    images = tf.TensorSpec([None, image_size, image_size, 3], tf.float32)
    string = tf.TensorSpec([None], tf.string)
    tokens = tf.TensorSpec([None, tokenizer.context_length], tf.int32)

    def embed_image_bytes(encoded):
        views, valid = _decode_good(encoded, image_size, max_pixels)
        embedding = model.encode_image(views)[: tf.size(valid)]
        return {
            "embedding": tf.where(valid[:, None], embedding, 0.0),
            "valid": valid,
        }

    def embed_images(images):
        return {"embedding": model.encode_image(images)}

    def embed_text(strings):
        return {"embedding": model.encode_text(tokenizer(strings))}

    def embed_tokens(tokens):
        return {"embedding": model.encode_text(tokens)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.track(tokenizer)
    # The first endpoint is also the default signature.
    for name, function, signature in (
        ("image_bytes", embed_image_bytes, string),
        ("images", embed_images, images),
        ("text", embed_text, string),
        ("tokens", embed_tokens, tokens),
    ):
        archive.add_endpoint(name, function, input_signature=[signature])
    archive.write_out(str(path), verbose=False)


class ExportedModel:
    """A SavedModel of `export_saved_model`, to embed with as with its model.

    With `evaluation.Embedder(exported, tf.identity)` its texts are strings.

    Args:
        path: Directory of the SavedModel. Its signatures `images` and `text`
            are used.

    Attributes:
        image_size: int. Pixels of the square input of `encode_image`.

    Raises:
        InputError: If there is no SavedModel with these signatures.
    """

    def __init__(self, path):
        # It registers the operations of tokenizers.
        importlib.import_module("tensorflow_text")
        try:
            # Its variables live as long as this object.
            self._loaded = tf.saved_model.load(str(path))
        except (OSError, ValueError, tf.errors.OpError) as error:
            raise InputError(
                f"{path} cannot be loaded ({str(error).splitlines()[0][:200]}):"
                " give a directory that experiments.export has written."
            ) from error
        missing = {"images", "text"} - set(self._loaded.signatures)
        if missing:
            raise InputError(
                f"{path} lacks the signature {sorted(missing)[0]!r}: give a "
                "SavedModel that experiments.export has written."
            )
        images = self._loaded.signatures["images"]
        (spec,) = images.structured_input_signature[1].values()
        self.image_size = spec.shape[1]

    def encode_image(self, images, with_features=False):
        """Embeds float32 `[b, size, size, 3]` in [0, 1]: `[b, dim]`.

        Raises:
            InputError: With `with_features`, which a SavedModel does not give.
        """
        if with_features:
            raise InputError(
                "A SavedModel gives embeddings and no features before the "
                "head: evaluate the workdir, or probe the embeddings."
            )
        return self._call("images", images)

    def encode_text(self, texts):
        """Embeds strings `[b]`: float32 `[b, dim]`."""
        return self._call("text", texts)

    def _call(self, name, value):
        signature = self._loaded.signatures[name]
        (keyword,) = signature.structured_input_signature[1]
        return signature(**{keyword: value})["embedding"]


def _decode_good(encoded, image_size, max_pixels):
    """Decodes those of `[n]` encoded images that can and may be decoded.

    Returns:
        `(views, valid)`: float32 `[max(n, 1), image_size, image_size, 3]`,
        zeros for the other images, and bool `[n]`. Some encoders fail without
        any image.
    """

    def view(index, one):
        problem, image = decode_within(one, max_pixels)
        good = tf.equal(problem, "")
        return index, good, evaluation_view(image, image_size)

    # In a graph, only a dataset can leave out what fails. An element that is
    # no image makes sure that there is a batch to get.
    count = tf.size(encoded, tf.int64)
    blank = tf.zeros([image_size, image_size, 3])
    end = tf.data.Dataset.from_tensors((count, tf.constant(False), blank))
    indices, good, views = (
        tf.data.Dataset.from_tensor_slices((tf.range(count), encoded))
        .map(view, num_parallel_calls=tf.data.AUTOTUNE)
        .ignore_errors(log_warning=False)
        .concatenate(end)
        .batch(count + 1)
        .get_single_element()
    )
    # An image that may not be decoded has a view, of a single pixel: it goes.
    views = tf.boolean_mask(views, good)
    places = tf.boolean_mask(indices, good)[:, None]
    rows = tf.maximum(count, 1)
    valid = tf.scatter_nd(places, tf.ones_like(places[:, 0]), [count]) > 0
    return tf.scatter_nd(places, views, [rows, *blank.shape]), valid
