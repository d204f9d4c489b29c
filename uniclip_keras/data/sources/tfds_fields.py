"""Which features of a TensorFlow Datasets' set are its images and texts."""

import re

import tensorflow as tf
from tensorflow_datasets import features as tfds_features

from uniclip_keras.errors import InputError

# Other texts are the names of files, addresses, licences.
_CAPTION = re.compile("caption|text|txt|title|description|sentence")


def find_fields(name, info, image_field, caption_field, label_field, labelled):
    """Which features to read.

    Args:
        name: The set's name, for messages.
        info: Its `tfds.core.DatasetInfo`.
        image_field, caption_field, label_field: Names of features, or None
            for those that are to be found.
        labelled: Whether labels are wanted even if there are captions.

    Returns:
        `{"image": name, "text": name}`, or "label" in the place of "text".
        Names of nested features are joined by slashes.

    Raises:
        InputError: A feature is not there, there is none to find, or several.
    """
    single, repeated = _flatten(info.features)
    images = [n for n, f in single.items() if _is_image(f)]
    labels = [n for n, f in single.items() if _is_label(f)]
    every = {**single, **repeated}
    texts = [n for n, f in every.items() if _is_text(f)]
    captions = [n for n in texts if _CAPTION.search(n.lower())]
    if info.supervised_keys and info.supervised_keys[1] in labels:
        labels = [info.supervised_keys[1]]

    def choose(option, given, found, allowed):
        if given is None and len(found) == 1:
            return found[0]
        if given in allowed:
            return given
        has = "several features" if found else "no feature"
        if given is not None:
            found, has = allowed, f"no feature '{given}'"
        advice = f"name one of {', '.join(sorted(found))}"
        raise InputError(
            f"The data set '{name}' has {has} that may be its {option}: "
            f"{advice if found else 'take another set'}; all of its features "
            f"are {', '.join(sorted(every))}."
        )

    image = choose("image_field", image_field, images, images)
    # A set of labels may have names and addresses beside them.
    if not labelled and (caption_field or captions or not labels):
        text = choose("caption_field", caption_field, captions or texts, texts)
        return {"image": image, "text": text}
    label = choose("label_field", label_field, labels, labels)
    return {"image": image, "label": label}


def class_labels(info, field):
    """The names of the classes of a label, in the order of their numbers."""
    single, _ = _flatten(info.features)
    return tuple(single[field].names)


def _flatten(features):
    """`(single, repeated)` features, each by name."""
    single, repeated = {}, {}

    def visit(feature, name, found):
        if isinstance(feature, tfds_features.FeaturesDict):
            for key, value in feature.items():
                visit(value, f"{name}/{key}" if name else key, found)
        elif isinstance(feature, tfds_features.Sequence):
            # Lists of lists are stored in another way, and are no captions.
            visit(feature.feature, name, repeated if found is single else {})
        else:
            found[name] = feature

    visit(features, "", single)
    return single, repeated


def _is_image(feature):
    # The classes made from it hold masks; those of floats are no pictures.
    plain = type(feature) is tfds_features.Image
    return plain and feature.tf_dtype == tf.uint8


def _is_label(feature):
    return isinstance(feature, tfds_features.ClassLabel)


def _is_text(feature):
    plain = isinstance(feature, tfds_features.Tensor)
    return (
        plain
        and feature.tf_dtype == tf.string
        and feature.shape in ((), (None,))
    )
