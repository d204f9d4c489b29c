"""Models for CLIP_benchmark, the public package of evaluation protocols.

    pip install "uniclip-keras[clip-benchmark]"
    python -m uniclip_keras.clip_benchmark eval --model_type uniclip_keras \\
        --model uniclip --pretrained runs/emoji/saved_model \\
        --dataset wds/mscoco_captions --num_workers 0 --no_amp

This is its command line, `clip_benchmark`, after `register()`. PyTorch collects
batches and computes the metrics; the model and what is done to images before
it stay TensorFlow. See https://github.com/LAION-AI/CLIP_benchmark.
"""

import importlib
import os
import pathlib
import sys

import numpy as np
import tensorflow as tf

from uniclip_keras.data.augmentation import check_fit
from uniclip_keras.data.augmentation import evaluation_view
from uniclip_keras.data.images.decoding import on_white
from uniclip_keras.errors import InputError
from uniclip_keras.export import ExportedModel

# A process that was forked from this one cannot use TensorFlow's threads.
_PROCESS = os.getpid()


def register(name="uniclip_keras"):
    """Makes exported models a model type of CLIP_benchmark.

    From then on, `clip_benchmark.models.load_clip(name, model_name, path, ...)`
    and `--model_type name --pretrained path` load a SavedModel. Its path is
    that of `export_saved_model`, or of a workdir into which
    `experiments.export` has written it. The model's name labels results only.

    Args:
        name: str. The new model type.

    Raises:
        InputError: If the extra clip-benchmark is not installed.
    """
    models = _import("clip_benchmark.models")
    models.TYPE2FUNC[name] = _load
    if name not in models.MODEL_TYPES:
        # In place: the command line holds this list already.
        models.MODEL_TYPES.append(name)


def adapt(model, tokenizer, image_size, device="cpu", fit="squash"):
    """Makes of a model what CLIP_benchmark's metrics and data sets take.

    Args:
        model: A `UniCLIP` model, or anything with its `encode_image` and
            `encode_text`.
        tokenizer: The model's tokenizer, from strings to what `encode_text`
            takes.
        image_size: int. Pixels of the square input of the image encoder.
        device: Device of PyTorch to hand embeddings to. TensorFlow places the
            model by itself.
        fit: How images become square, see `augmentation.evaluation_view`.

    Returns:
        `(model, transform, tokenizer)`. The transform makes the evaluation view
        of a PIL image, a float32 tensor `[size, size, 3]` in [0, 1]; the
        tokenizer leaves texts as they are.

    Raises:
        InputError: If PyTorch is not installed, or `fit` is another one.

    Example:

    ```python
    from clip_benchmark.metrics import zeroshot_retrieval

    model, transform, texts = adapt(uniclip, tokenizer, 224)
    images = torch.utils.data.DataLoader(
        MyImages(transform), collate_fn=image_captions_collate_fn
    )
    zeroshot_retrieval.evaluate(model, images, texts, "cpu", amp=False)
    ```
    """
    _import("torch")
    model = _Model(model, tokenizer, image_size, device)
    return model, EvaluationTransform(image_size, fit), _Texts


class EvaluationTransform:
    """From a PIL image to the view that evaluation takes, as a torch tensor.

    Orientation and transparency count as in `data.decode_image`.

    Args:
        image_size: int. Pixels of the square view.
        fit: How images become square, see `augmentation.evaluation_view`.

    Raises:
        InputError: If `fit` is another one.
    """

    def __init__(self, image_size, fit="squash"):
        check_fit(fit)
        self.image_size = image_size
        self.fit = fit

    def __call__(self, image):
        """Makes float32 `[size, size, 3]` in [0, 1].

        Raises:
            InputError: In a forked process, where TensorFlow would hang.
        """
        if os.getpid() != _PROCESS:
            raise InputError(
                "TensorFlow cannot make images in the forked workers of a "
                "DataLoader: give num_workers=0 (--num_workers 0), or the "
                "multiprocessing context 'spawn'."
            )
        view, _ = evaluation_view(_rgb(image), self.image_size, self.fit)
        return _import("torch").from_numpy(view.numpy())


class _Model:
    """Embeds torch tensors of images and `_Texts` as torch tensors."""

    def __init__(self, model, tokenizer, image_size, device):
        images = tf.TensorSpec([None, image_size, image_size, 3], tf.float32)
        texts = tf.TensorSpec([None], tf.string)
        self._device = device
        self._encode_image = tf.function(
            lambda images: model.encode_image(images), [images]
        )
        self._encode_text = tf.function(
            lambda texts: model.encode_text(tokenizer(texts)), [texts]
        )

    def encode_image(self, images):
        """Embeds `[n, size, size, 3]` in [0, 1]: float32 `[n, dim]`."""
        return self._to_torch(self._encode_image(images.cpu().numpy()))

    def encode_text(self, texts):
        """Embeds n texts: float32 `[n, dim]`."""
        return self._to_torch(self._encode_text(tf.constant(texts, tf.string)))

    def eval(self):
        """Does nothing: the model never trains here."""
        return self

    def _to_torch(self, embeddings):
        embeddings = tf.cast(embeddings, tf.float32).numpy()
        return _import("torch").from_numpy(embeddings).to(self._device)


class _Texts(list):
    """Strings that are "moved to a device", as CLIP_benchmark does to ids."""

    def to(self, device):
        del device
        return self


def _load(pretrained, device="cpu", **_):
    """Loads a SavedModel as `clip_benchmark.models.load_clip` does."""
    path = pathlib.Path(pretrained)
    # Of a workdir, the place that `experiments.export` writes to.
    inside = path / "saved_model"
    exported = ExportedModel(inside if inside.is_dir() else path)
    return adapt(
        exported, tf.identity, exported.image_size, device, exported.fit
    )


def _rgb(image):
    """Returns the pixels of a PIL image as uint8 `[height, width, 3]`."""
    image = _import("PIL.ImageOps").exif_transpose(image)
    if image.has_transparency_data:
        return on_white(np.asarray(image.convert("RGBA")))
    return np.asarray(image.convert("RGB"))


def _import(module):
    """Imports what the extra clip-benchmark installs."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InputError(
            f"CLIP_benchmark needs the package {error.name!r}, which is not "
            "installed: pip install 'uniclip-keras[clip-benchmark]'."
        ) from None


def main():
    """Runs CLIP_benchmark's command line with the model type uniclip_keras."""
    try:
        register()
        _import("clip_benchmark.cli").main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
