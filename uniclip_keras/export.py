"""SavedModels: export for serving without this library, and their use."""

import importlib
import pathlib

import keras
import tensorflow as tf

from uniclip_keras.data.augmentation import VECTOR_SIZE
from uniclip_keras.data.augmentation import check_fit
from uniclip_keras.data.augmentation import evaluation_view
from uniclip_keras.data.images.decoding import MAX_PIXELS
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.errors import InputError


def export_saved_model(
    model, tokenizer, image_size, path, max_pixels=MAX_PIXELS, fit="squash"
):
    """Writes a SavedModel with one signature for each kind of input.

    | signature | input | output |
    | --- | --- | --- |
    | `image_bytes` (default) | string `[n]`, encoded | `embedding`, `valid` |
    | `images` | float32 `[n, size, size, 3]` in [0, 1] | `embedding` |
    | `views` | `images` as above, `augmentations` `[n, 11]` | `embedding` |
    | `text` | string `[n]` | `embedding` |
    | `tokens` | int32 `[n, length]` | `embedding` |
    | `settings` | none | `fit`, the argument as a string |

    `embedding` is float32 `[n, dim]` with rows of unit length. `valid` is bool
    `[n]`: false for bytes that cannot be decoded or are an image of more than
    `max_pixels`. Their rows of `embedding` are zeros.

    `images` counts as untouched, `views` tells what was done to each. Encoded
    images are made square by `fit`, as in evaluation. The SavedModel contains
    the tokenizer; a program that loads it must import `tensorflow_text` if the
    tokenizer uses its operations.

    Args:
        model: A `UniCLIP` model.
        tokenizer: The model's tokenizer, a `tf.Module` from strings to ids.
        image_size: int. Pixels of the square input of the image encoder.
        path: Directory to write; it must be empty or not exist.
        max_pixels: Int. Larger encoded images are not decoded.
        fit: How encoded images become square, see
            `data.augmentation.evaluation_view`.

    Raises:
        InputError: If `path` is not empty, or `fit` is another one.
    """
    check_fit(fit)
    path = pathlib.Path(path)
    if path.exists() and any(path.iterdir()):
        raise InputError(f"{path} is not empty; give a new directory.")
    images = tf.TensorSpec([None, image_size, image_size, 3], tf.float32)
    augmentations = tf.TensorSpec([None, VECTOR_SIZE], tf.float32)
    string = tf.TensorSpec([None], tf.string)
    tokens = tf.TensorSpec([None, tokenizer.context_length], tf.int32)

    def embed_image_bytes(encoded):
        views, vectors, valid = _decode_good(
            encoded, image_size, max_pixels, fit
        )
        embedding = model.encode_image(views, vectors)[: tf.size(valid)]
        return {
            "embedding": tf.where(valid[:, None], embedding, 0.0),
            "valid": valid,
        }

    def embed_images(images):
        return {"embedding": model.encode_image(images)}

    def embed_views(images, augmentations):
        return {"embedding": model.encode_image(images, augmentations)}

    def embed_text(strings):
        return {"embedding": model.encode_text(tokenizer(strings))}

    def embed_tokens(tokens):
        return {"embedding": model.encode_text(tokens)}

    @tf.function(input_signature=[])
    def settings():
        return {"fit": tf.constant(fit)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.track(tokenizer)
    # The first endpoint is also the default signature.
    for name, function, signature in (
        ("image_bytes", embed_image_bytes, [string]),
        ("images", embed_images, [images]),
        ("views", embed_views, [images, augmentations]),
        ("text", embed_text, [string]),
        ("tokens", embed_tokens, [tokens]),
    ):
        archive.add_endpoint(name, function, input_signature=signature)
    settings.get_concrete_function()
    archive.add_endpoint("settings", settings)
    archive.write_out(str(path), verbose=False)


class ExportedModel:
    """A SavedModel of `export_saved_model`, to embed with as with its model.

    With `evaluation.Embedder(exported, tf.identity)` its texts are strings.

    Args:
        path: Directory of the SavedModel. Its signatures `images`, `views`
            and `text` are used.

    Attributes:
        image_size: int. Pixels of the square input of `encode_image`.
        fit: str. How the export makes images square; those of earlier versions
            squash.

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
        self.fit = "squash"
        if "settings" in self._loaded.signatures:
            settings = self._loaded.signatures["settings"]()
            self.fit = settings["fit"].numpy().decode()

    def encode_image(self, images, augmentations=None, with_features=False):
        """Embeds float32 `[b, size, size, 3]` in [0, 1]: `[b, dim]`.

        `augmentations` `[b, 11]` tell what made the images; by default they
        are untouched.

        Raises:
            InputError: With `with_features`, which a SavedModel does not give,
                or with `augmentations` for one of an earlier version.
        """
        if with_features:
            raise InputError(
                "A SavedModel gives embeddings and no features before the "
                "head: evaluate the workdir, or probe the embeddings."
            )
        if augmentations is None:
            return self._call("images", images)
        if "views" not in self._loaded.signatures:
            raise InputError(
                "The SavedModel lacks the signature 'views', which takes "
                "augmentation vectors: export it anew, or squash the images."
            )
        embed = self._loaded.signatures["views"]
        return embed(images=images, augmentations=augmentations)["embedding"]

    def encode_text(self, texts):
        """Embeds strings `[b]`: float32 `[b, dim]`."""
        return self._call("text", texts)

    def _call(self, name, value):
        signature = self._loaded.signatures[name]
        (keyword,) = signature.structured_input_signature[1]
        return signature(**{keyword: value})["embedding"]


def _decode_good(encoded, image_size, max_pixels, fit):
    """Decodes those of `[n]` encoded images that can and may be decoded.

    Returns:
        `(views, vectors, valid)`: float32 `[max(n, 1), image_size, image_size,
        3]` and `[max(n, 1), 11]`, zeros for the other images, and bool `[n]`.
        Some encoders fail without any image.
    """

    def view(index, one):
        problem, image = decode_within(one, max_pixels)
        good = tf.equal(problem, "")
        return index, good, *evaluation_view(image, image_size, fit)

    # In a graph, only a dataset can leave out what fails. An element that is
    # no image makes sure that there is a batch to get.
    count = tf.size(encoded, tf.int64)
    blank = tf.zeros([image_size, image_size, 3])
    end = tf.data.Dataset.from_tensors(
        (count, tf.constant(False), blank, tf.zeros([VECTOR_SIZE]))
    )
    indices, good, views, vectors = (
        tf.data.Dataset.from_tensor_slices((tf.range(count), encoded))
        .map(view, num_parallel_calls=tf.data.AUTOTUNE)
        .ignore_errors(log_warning=False)
        .concatenate(end)
        .batch(count + 1)
        .get_single_element()
    )
    # An image that may not be decoded has a view, of a single pixel: it goes.
    views, vectors = (tf.boolean_mask(x, good) for x in (views, vectors))
    places = tf.boolean_mask(indices, good)[:, None]
    rows = tf.maximum(count, 1)
    valid = tf.scatter_nd(places, tf.ones_like(places[:, 0]), [count]) > 0
    return (
        tf.scatter_nd(places, views, [rows, *blank.shape]),
        tf.scatter_nd(places, vectors, [rows, VECTOR_SIZE]),
        valid,
    )
