"""Data sets of TensorFlow Datasets, by name."""

import contextlib
import posixpath
import re

import tensorflow as tf

from uniclip_keras.data.sources import texts
from uniclip_keras.data.sources.layout import Part
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

    The data set must be prepared as TFRecord files. These are read directly,
    so images stay encoded and a bad record costs only itself. Fields are named
    as in `builder.info.features`, with "captions/text" for nested ones. Without
    options, the source reads the only image with the only text whose name is
    like "caption". A data set without such a text is one of labeled images if
    it has a class label.

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
            are the names or the numbers of the classes. None: classes are
            named as in the data set.
        id_field, group_field: See `Source`.

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
        group_field=None,
    ):
        info = _prepared_info(name, data_dir)
        found = _find_split(name, info, split)
        fields = _Fields(name, info)
        image_field = fields.choose("image_field", image_field, fields.images)
        is_labeled = label_field is not None or classes is not None
        # Other texts than captions may describe labeled images.
        has_captions = caption_field or fields.captions
        if is_labeled or (fields.labels and not has_captions):
            label_field = fields.choose(
                "label_field", label_field, fields.labels
            )
        else:
            likely = fields.captions or fields.texts
            caption_field = fields.choose(
                "caption_field", caption_field, likely, fields.texts
            )
        super().__init__(
            caption_field,
            id_field,
            label_field,
            classes,
            image_field,
            group_field,
        )
        if label_field is not None:
            self.label_names = fields.features[label_field].names
            self.texts = texts.Labels(self._named_classes())
        self._open(
            [
                Part(
                    path=str(one.filename),
                    name=posixpath.basename(one.filename),
                    skip=one.skip,
                    take=one.take,
                )
                for one in found.file_instructions
            ]
        )

    def _named_classes(self):
        """Returns `{label: names}` of the classes of the data set."""
        if self.class_list is None:
            return texts.names_from_labels(self.label_names)
        listed = self.texts.classes
        classes = {
            label: listed.get(label) or listed[str(number)]
            for number, label in enumerate(self.label_names)
            if label in listed or str(number) in listed
        }
        if not classes:
            first = ", ".join(map(repr, self.label_names[:3]))
            raise InputError(
                f"The class list '{self.class_list}' has none of the classes "
                f"{first}, ...: use their names or numbers as its labels."
            )
        return classes

    def _raw_sample(self, part, number, content):
        sample = super()._raw_sample(part, number, content)
        if self.label_names and "label" in sample:
            number = int(sample["label"])
            # Sets without labels, as many test sets are, have -1 for each.
            is_known = 0 <= number < len(self.label_names)
            name = self.label_names[number] if is_known else ""
            sample["label"] = name.encode()
        return sample


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
        raise InputError(
            f"TensorFlow Datasets knows no data set '{name}' "
            "(name/config:version): correct the name, or the folder of the "
            f"prepared data set, data_dir={data_dir!r}."
        ) from None
    info = builder.info
    if not info.splits:
        where = "" if data_dir is None else f", data_dir={str(data_dir)!r}"
        raise InputError(
            f"The data set '{name}' is not prepared in '{builder.data_dir}': "
            f"run `tfds.builder({name!r}{where}).download_and_prepare()`, or "
            "give the folder that has it as data_dir."
        )
    if info.file_format.value != "tfrecord":
        raise InputError(
            f"The data set '{name}' is prepared as {info.file_format.value}: "
            "prepare it with file_format='tfrecord'."
        )
    return info


def _find_split(name, info, split):
    with contextlib.suppress(KeyError, ValueError):
        if info.splits[split].num_examples:
            return info.splits[split]
    raise InputError(
        f"The data set '{name}' has no samples in a split '{split}': choose "
        f"from {', '.join(map(repr, info.splits))}, or a part 'train[:90%]'."
    )


class _Fields:
    """The features of a data set that can be images, captions or labels."""

    def __init__(self, name, info):
        self._name = name
        flat = list(_flatten(info.features))
        self.features = {name: feature for name, feature, _ in flat}
        single = {name: feature for name, feature, is_one in flat if is_one}
        self.images = _of_kind("image", single)
        self.labels = _of_kind("label", single)
        if info.supervised_keys and info.supervised_keys[1] in self.labels:
            self.labels = [info.supervised_keys[1]]
        self.texts = _of_kind("text", self.features)
        self.captions = [n for n in self.texts if _CAPTION.search(n.lower())]

    def choose(self, option, given, likely, allowed=()):
        """Returns the given feature, or the only likely one."""
        allowed = allowed or likely
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


def _flatten(feature, name="", depth=0):
    """Yields `(name, feature, whether a sample has exactly one)`."""
    if isinstance(feature, tfds_features.FeaturesDict):
        for key, value in feature.items():
            yield from _flatten(value, f"{name}/{key}" if name else key, depth)
    elif isinstance(feature, tfds_features.Sequence):
        yield from _flatten(feature.feature, name, depth + 1)
    elif depth < 2:
        # Nested lists are stored in another way, and are no captions.
        yield name, feature, depth == 0


def _of_kind(kind, features):
    return [name for name, one in features.items() if _kind(one) == kind]


def _kind(feature):
    if isinstance(feature, tfds_features.ClassLabel):
        return "label"
    # Subclasses of Image hold masks; images of floats are no pictures.
    if type(feature) is tfds_features.Image and feature.tf_dtype == tf.uint8:
        return "image"
    is_text = isinstance(feature, tfds_features.Tensor) and (
        feature.tf_dtype == tf.string and feature.shape in ((), (None,))
    )
    return "text" if is_text else None
