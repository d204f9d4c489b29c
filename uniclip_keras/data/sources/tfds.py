"""Data sets of TensorFlow Datasets, by name."""

import posixpath
import re

import tensorflow as tf

from uniclip_keras.data.sources.texts import Labels
from uniclip_keras.data.sources.texts import names_from_labels
from uniclip_keras.data.sources.tfrecord import RecordFiles
from uniclip_keras.errors import InputError

try:
    import tensorflow_datasets
    from tensorflow_datasets import features as tfds_features
except ImportError:  # The package's extra `tfds` is not installed.
    tensorflow_datasets = None

# Other texts are file names, addresses and licenses.
_CAPTION = re.compile("caption|text|txt|title|description|sentence")


class TFDS(RecordFiles):
    """An image-text or image-label data set of TensorFlow Datasets.

    The data set must already be prepared as TFRecord files. These are read
    directly, so images stay encoded, a bad record costs only itself and
    shards hold whole files. Fields are named as in `builder.info.features`,
    with "captions/text" for nested ones. Without options, the source reads
    the only image with the only text whose name is like "caption". A data set
    without such a text is one of labeled images if it has a class label.

    Args:
        name: As in `tfds.builder`: "coco_captions/2014", "cifar10".
        split: "train", or a part of a split such as "train[:90%]".
        data_dir: Folder of the prepared data set. None: the default of
            TensorFlow Datasets.
        image_field: Name of the image, if there are several.
        caption_field: Name of the captions, if there are several.
        label_field: Name of the class label, if there are several or if
            there are captions too.
        classes: Path of a class list, see `texts.read_classes`, whose labels
            are the names or the numbers of the classes. None: the names in
            the data set, with underscores read as spaces.
        id_field, samples: See `Source`.

    Raises:
        InputError: See `Source`; or the data set is unknown or not prepared,
            or there are several fields to choose from.

    Example:

    ```python
    pairs = TFDS("coco_captions/2014", id_field="image/id")
    labeled = TFDS("cifar10", split="train[:90%]")
    ```
    """

    def __init__(
        self,
        name,
        split="train",
        data_dir=None,
        image_field=None,
        caption_field=None,
        id_field=None,
        label_field=None,
        classes=None,
        samples=None,
    ):
        info = _prepared_info(name, data_dir)
        found = _find_split(name, info, split)
        fields = _Fields(name, info)
        image_field = fields.image(image_field)
        is_labeled = label_field is not None or classes is not None
        if is_labeled or fields.is_labeled(caption_field):
            label_field = fields.label(label_field)
        else:
            caption_field = fields.text(caption_field)
        super().__init__(
            caption_field, id_field, label_field, classes, samples, image_field
        )
        self._labels = None
        if label_field is not None:
            self._labels = fields.features[label_field].names
            self.texts = Labels(self._named_classes())
        self._num_samples = found.num_examples
        parts = found.file_instructions
        paths = [part.filename for part in parts]
        self._open(
            paths,
            [posixpath.basename(path) for path in paths],
            [part.skip for part in parts],
            [part.take for part in parts],
        )

    def _named_classes(self):
        """Returns `{label: names}` of the classes of the data set."""
        if self.class_list is None:
            return names_from_labels(self._labels)
        listed = self.texts.classes
        classes = {
            label: listed.get(label) or listed[str(number)]
            for number, label in enumerate(self._labels)
            if label in listed or str(number) in listed
        }
        if not classes:
            first = ", ".join(map(repr, self._labels[:3]))
            raise InputError(
                f"The class list '{self.class_list}' has none of the classes "
                f"{first}, ... of the data set: use their names or their "
                "numbers as its labels."
            )
        return classes

    def _read(self, units, shuffle, bad_samples):
        raw = super()._read(units, shuffle, bad_samples)
        return raw if self._labels is None else raw.map(self._name_label)

    def _name_label(self, chunk):
        """Replaces the number of a class by its name, or by nothing."""
        names = tf.constant([*self._labels, ""])
        last = tf.size(names, tf.int64) - 1
        label = tf.where(tf.equal(chunk["label"], ""), "-1", chunk["label"])
        number = tf.strings.to_number(label, tf.int64)
        # Sets without labels, as many test sets are, have -1 for each.
        is_known = (number >= 0) & (number < last)
        return {
            **chunk,
            "label": tf.gather(names, tf.where(is_known, number, last)),
        }

    def _count_samples(self):
        return self._num_samples


def _prepared_info(name, data_dir):
    if tensorflow_datasets is None:
        raise InputError(
            f"TFDS({name!r}) needs the package tensorflow-datasets: install "
            "it, for example with the extra tfds of uniclip-keras."
        )
    try:
        builder = tensorflow_datasets.builder(name, data_dir=data_dir)
    except (ValueError, AssertionError):
        # An unknown data set, configuration or version.
        folder = data_dir or "its default folder"
        raise InputError(
            f"TensorFlow Datasets knows no data set '{name}' "
            f"(name/config:version), in its catalog or in {folder}: correct "
            "the name, or give the folder of the prepared data set as "
            "data_dir."
        ) from None
    info = builder.info
    if not info.splits:
        where = "" if data_dir is None else f", data_dir={str(data_dir)!r}"
        raise InputError(
            f"The data set '{name}' is not prepared in '{builder.data_dir}': "
            f"run `tfds.builder({name!r}{where}).download_and_prepare()` once "
            "in Python, or give the folder that has it as data_dir."
        )
    if info.file_format.value != "tfrecord":
        raise InputError(
            f"The data set '{name}' is prepared as {info.file_format.value}: "
            "prepare it with file_format='tfrecord'."
        )
    return info


def _find_split(name, info, split):
    try:
        found = info.splits[split]
        if found.num_examples:
            return found
    except (KeyError, ValueError):
        pass
    splits = ", ".join(f"'{split}'" for split in info.splits)
    raise InputError(
        f"The data set '{name}' has no samples in a split '{split}': its "
        f"splits are {splits}, and 'train[:90%]' is a part of one."
    )


class _Fields:
    """The features of a data set that can be images, captions or labels.

    Args:
        name: Name of the data set, for messages.
        info: Its `tfds.core.DatasetInfo`.

    Attributes:
        features: `{name: feature}` of all features.
    """

    def __init__(self, name, info):
        self._name = name
        single, repeated = _flatten(info.features)
        self.features = {**single, **repeated}
        self._images = [n for n, f in single.items() if _is_image(f)]
        self._texts = [n for n, f in self.features.items() if _is_text(f)]
        self._captions = [n for n in self._texts if _CAPTION.search(n.lower())]
        self._labels = [
            name
            for name, feature in single.items()
            if isinstance(feature, tfds_features.ClassLabel)
        ]
        if info.supervised_keys and info.supervised_keys[1] in self._labels:
            self._labels = [info.supervised_keys[1]]

    def is_labeled(self, caption_field):
        """Whether to read labels if no option asks for them."""
        # Other texts than captions may describe labeled images.
        return bool(self._labels and not (caption_field or self._captions))

    def image(self, given):
        return self._choose("image_field", given, self._images, self._images)

    def text(self, given):
        likely = self._captions or self._texts
        return self._choose("caption_field", given, likely, self._texts)

    def label(self, given):
        return self._choose("label_field", given, self._labels, self._labels)

    def _choose(self, option, given, likely, allowed):
        """Returns the given feature, or the only likely one."""
        if given is None and len(likely) == 1:
            return likely[0]
        if given in allowed:
            return given
        has = "several features" if likely else "no feature"
        if given is not None:
            likely, has = allowed, f"no feature '{given}'"
        advice = f"name one of {', '.join(sorted(likely))}"
        raise InputError(
            f"The data set '{self._name}' has {has} that may be its {option}: "
            f"{advice if likely else 'use another data set'}; all of its "
            f"features are {', '.join(sorted(self.features))}."
        )


def _flatten(features):
    """Returns single and repeated features, each as `{name: feature}`."""
    single, repeated = {}, {}

    def visit(feature, name, found):
        if isinstance(feature, tfds_features.FeaturesDict):
            for key, value in feature.items():
                visit(value, f"{name}/{key}" if name else key, found)
        elif isinstance(feature, tfds_features.Sequence):
            # Nested lists are stored in another way, and are no captions.
            visit(feature.feature, name, repeated if found is single else {})
        else:
            found[name] = feature

    visit(features, "", single)
    return single, repeated


def _is_image(feature):
    # Subclasses of Image hold masks; images of floats are no pictures.
    is_plain = type(feature) is tfds_features.Image
    return is_plain and feature.tf_dtype == tf.uint8


def _is_text(feature):
    return (
        isinstance(feature, tfds_features.Tensor)
        and feature.tf_dtype == tf.string
        and feature.shape in ((), (None,))
    )
