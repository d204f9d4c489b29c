"""Data sets of TensorFlow Datasets, by name."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import examples
from uniclip_keras.data.sources import records
from uniclip_keras.data.sources.chunks import interleave_files
from uniclip_keras.data.sources.missing import explain_missing
from uniclip_keras.data.sources.source import Source
from uniclip_keras.data.sources.texts import Labels
from uniclip_keras.data.sources.tfds_fields import class_labels
from uniclip_keras.data.sources.tfds_fields import find_fields
from uniclip_keras.errors import InputError


class TFDS(Source):
    """An image-text or image-label set of TensorFlow Datasets.

    It must be prepared already, as TFRecord files; those are read as they
    are, so that images stay encoded. Fields are named as
    `builder.info.features` has them, "captions/text" for one inside of
    another. Where none is named, the only image is taken, with the only text
    that is called a caption or alike; a set without one is a set of labelled
    images if it has a class label.

    Args:
        name: As `tfds.builder` takes it: "coco_captions/2014", "cifar10".
        split: "train", or a part of one such as "train[:90%]".
        data_dir: Where it was prepared; None: TensorFlow Datasets' own place.
        image_field: Name of the image, where there are several.
        caption_field: Name of the captions, where there are several.
        label_field: Name of the class label, where there are several, or
            captions beside it.
        classes: A class list whose labels are the names of the set's classes,
            or their numbers. None: the names, once underscores are spaces.
        id_field, id_space, samples: See `Source`.

    Raises:
        InputError: See `Source`; or the set is unknown or not prepared, or it
            has several fields to choose from.

    Example:

    ```python
    pairs = TFDS("coco_captions/2014", id_field="image/id")
    labelled = TFDS("cifar10", split="train[:90%]")
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
        id_space=None,
        label_field=None,
        classes=None,
        samples=None,
    ):
        info = _prepared_info(name, data_dir)
        part = _find_split(name, info, split)
        labelled = label_field is not None or classes is not None
        fields = find_fields(
            name, info, image_field, caption_field, label_field, labelled
        )
        super().__init__(
            caption_field,
            id_field,
            id_space,
            fields.get("label"),
            classes,
            samples,
        )
        self._fields = {column: (field,) for column, field in fields.items()}
        if id_field is not None:
            self._fields["id"] = (id_field,)
        self._class_labels = None
        if "label" in fields:
            self._class_labels = class_labels(info, fields["label"])
            self.texts = Labels(self._named_classes())
        self._split = part
        self._parts = part.file_instructions
        paths = [part.filename for part in self._parts]
        self._found = examples.look(paths)
        self._parse = examples.parser(examples.typed(self._fields, self._found))
        self._check("files", paths)

    def _named_classes(self):
        """`{label: names}` of the set's classes."""
        names = self._class_labels
        if self.class_list is None:
            return {name: (name.replace("_", " "),) for name in names}
        listed = self.texts.classes
        classes = {
            name: listed.get(name) or listed.get(str(number))
            for number, name in enumerate(names)
            if name in listed or str(number) in listed
        }
        if not classes:
            first = ", ".join(map(repr, names[:3]))
            raise InputError(
                f"The class list '{self.class_list}' has none of the classes "
                f"{first}, ... of the set: its labels are to be their names "
                "or numbers."
            )
        return classes

    def _units(self):
        return {
            "path": np.array([part.filename for part in self._parts]),
            "skip": np.array([part.skip for part in self._parts], np.int64),
            "take": np.array([part.take for part in self._parts], np.int64),
        }

    def _read(self, units, shuffle, bad_samples):
        def read_part(part):
            path = part["path"]
            file = tf.strings.split(path, "/")[-1]
            chunks = records.read_chunks(
                path, part["skip"], part["take"], bad_samples
            )
            chunks = chunks.flat_map(
                lambda numbers, chunk: examples.parse_chunk(
                    file, numbers, chunk, self._parse
                )
            )
            return chunks.map(self._name_label)

        return interleave_files(units, read_part, shuffle)

    def _name_label(self, chunk):
        """A number as the name of its class; one that has none, as nothing."""
        if self._class_labels is None:
            return chunk
        names = tf.constant([*self._class_labels, ""])
        last = tf.size(names, tf.int64) - 1
        label = tf.where(tf.equal(chunk["label"], ""), "-1", chunk["label"])
        number = tf.strings.to_number(label, tf.int64)
        known = (number >= 0) & (number < last)
        return {
            **chunk,
            "label": tf.gather(names, tf.where(known, number, last)),
        }

    def _count_samples(self):
        return self._split.num_examples

    def _explain(self, kind, path):
        if kind is None:
            return None
        if kind == bad.UNREADABLE_METADATA:
            return (
                f"The records of '{path}' cannot be read: prepare the set "
                "again."
            )
        return explain_missing(kind, path, self._fields, self._found)


def _prepared_info(name, data_dir):
    try:
        builder = tensorflow_datasets.builder(name, data_dir=data_dir)
    except (ValueError, AssertionError):
        # Among them: not found, no such configuration, no such version.
        place = data_dir or "its own folder"
        raise InputError(
            f"TensorFlow Datasets knows no data set '{name}' "
            f"(name/config:version), in its catalogue or in {place}: correct "
            "the name, or name the folder with the prepared set as data_dir."
        ) from None
    info = builder.info
    if not info.splits:
        where = "" if data_dir is None else f", data_dir={str(data_dir)!r}"
        raise InputError(
            f"The data set '{name}' is not prepared in '{builder.data_dir}': "
            f"run `tfds.builder({name!r}{where}).download_and_prepare()` in "
            "Python once, or name the folder that has it as data_dir."
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
