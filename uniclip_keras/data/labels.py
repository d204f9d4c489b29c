"""Image-label data as image-text data: a class's names are its texts.

UniCL (Yang et al., CVPR 2022, section 3.1) trains on both alike. Names go into
prompt templates where batches are made, see `training_dataset`.
"""

import json

import tensorflow as tf

from uniclip_keras.data import shards as tars
from uniclip_keras.data.sources import WebDataset
from uniclip_keras.errors import InputError

# Kinds of `bad_samples` that only labelled data has.
MISSING_LABEL = "missing label"
UNKNOWN_LABEL = "unknown label"


class LabelledWebDataset(WebDataset):
    """Tars of `key.png` and a label: `key.cls`, or a field of `key.json`.

    A sample's text is its class's names, one a line, and its id a hash of the
    first name: a class has one id in every data set that names it so, whatever
    its label there, and so has a caption that is just that name. Two classes
    of one first name are one class: no text could tell them apart.

    Args:
        patterns: As in `WebDataset`.
        classes: Path of the class list, see `read_classes`.
        label_field: JSON field of the label. None: `key.cls`, as in
            WebDataset's ImageNet shards. A number is compared with the class
            list by its digits.

    Attributes:
        classes: What `read_classes` returns.

    Raises:
        InputError: A pattern matches nothing, the class list cannot be used,
            or the first readable tar has no sample with image and a label of
            the list.

    Example:

    ```python
    source = LabelledWebDataset("data/emoji/train-*.tar",
                                "data/emoji/subgroups.json",
                                label_field="subgroup")
    ```
    """

    _lookups = {MISSING_LABEL: ("label_field", "cls", "labels")}

    def __init__(self, patterns, classes, label_field=None):
        self.label_field = label_field
        self.classes = read_classes(classes)
        self._class_list = classes
        self._find(patterns)

    def _parse(self, key, members):
        image = tars.find_image(members)
        metadata = tars.read_metadata(members)
        label = self._label(members, metadata)
        if label not in self.classes:
            raise tars.BadSampleError(UNKNOWN_LABEL)
        names = self.classes[label]
        return {
            "key": key,
            "image": image,
            "text": "\n".join(names),
            "id": tars.text_id(names[0]),
            "is_name": True,
            "metadata": metadata,
        }

    def _label(self, members, metadata):
        if self.label_field is None:
            label = members.get("cls", b"").decode("utf-8", "replace").strip()
        else:
            label = metadata.get(self.label_field)
        if label is None or label == "":
            raise tars.BadSampleError(MISSING_LABEL)
        return str(label)

    def _why(self, kind, shard, members):
        if kind == UNKNOWN_LABEL:
            label = self._label(members, tars.read_metadata(members))
            known = ", ".join(map(repr, list(self.classes)[:3]))
            return (
                f"The samples of '{shard}' have labels such as {label!r}, "
                f"which are none of the {len(self.classes)} of "
                f"'{self._class_list}' ({known}, ...): name the class list "
                "that belongs to them."
            )
        return super()._why(kind, shard, members)


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
        names = tars.join_lines(texts if isinstance(texts, list) else [])
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
