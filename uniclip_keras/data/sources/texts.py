"""What the raw fields of a sample mean: captions, labels, class names, ids.

The same rules hold for every format.
"""

import dataclasses
import hashlib
import json

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.errors import InputError

# Longer texts are documents that ended up in the wrong field.
LONGEST_CAPTION = 10_000


class BadSampleError(Exception):
    """A sample to skip, of one of the kinds in `bad_samples`."""

    def __init__(self, kind):
        super().__init__(kind)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Captions:
    """Reads image-text pairs: the texts of a sample are its captions.

    Args:
        has_ids: Whether the format reads an id for each sample. Otherwise the
            id is a hash of the captions, so captions that differ only in case
            share one id with each other and with the class of that name.
    """

    has_ids: bool = False

    is_name = False
    class_names = None

    def read(self, text, sample_id, label):
        """Returns the text, one caption per line, and the id of a sample.

        The arguments are the bytes of the columns. Raises `BadSampleError` if
        they are not usable.
        """
        text = join_lines(_decode(text).split("\n"))
        if not text:
            raise BadSampleError(bad.EMPTY_CAPTION)
        if len(max(text.split("\n"), key=len)) > LONGEST_CAPTION:
            raise BadSampleError(bad.OVERSIZE_CAPTION)
        if not self.has_ids:
            return text, text_id(text)
        sample_id = _decode(sample_id)
        if not sample_id:
            raise BadSampleError(bad.MISSING_ID)
        if sample_id.isdecimal() and int(sample_id) < 2**63:
            return text, int(sample_id)
        return text, stable_hash(sample_id)


@dataclasses.dataclass(frozen=True)
class Labels:
    """Reads labeled images: the texts of a sample are its class names.

    This is the label part of UniCL (section 3.1). The id of a sample is the
    hash of the first name of its class, so a class has the same id in every
    data set that gives it this name, and the same id as a caption that is
    just this name. Two classes with the same first name are one class.

    Args:
        classes: `{label: (name, synonym, ...)}`, see `read_classes`. None: a
            label is the name of its class, with underscores read as spaces.
    """

    classes: dict | None = None

    is_name = True

    @property
    def class_names(self):
        """All names of all classes; empty if only the samples know them."""
        return tuple(
            name for names in (self.classes or {}).values() for name in names
        )

    def read(self, text, sample_id, label):
        """Returns the text and the id of a sample, see `Captions.read`."""
        label = _decode(label)
        if self.classes is None:
            names = (join_lines([label.replace("_", " ")]),)
        elif label and label not in self.classes:
            raise BadSampleError(bad.UNKNOWN_LABEL)
        else:
            names = self.classes.get(label, ("",))
        if not names[0]:
            raise BadSampleError(bad.MISSING_LABEL)
        return "\n".join(names), text_id(names[0])


def read_classes(path):
    """Reads a class list, `[{"label": ..., "texts": [name, synonym, ...]}]`.

    Returns:
        `{label: (name, synonym, ...)}`, with labels as strings.

    Raises:
        InputError: The file is missing, has another form, is empty, or lists
            a label twice or without a text.
    """
    if not tf.io.gfile.exists(path):
        raise InputError(
            f"The class list '{path}' does not exist: prepare the data or "
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
        names = join_lines(texts if isinstance(texts, list) else [])
        if not names:
            raise InputError(
                f"The class {label!r} in '{path}' has the texts {texts!r}: "
                "give it a list with at least one name."
            )
        if label in classes:
            raise InputError(
                f"The class {label!r} appears twice in '{path}': write one "
                "entry with all of its names."
            )
        classes[label] = tuple(names.split("\n"))
    return classes


def names_from_labels(labels):
    """Classes that are named by their labels, as `read_classes` returns."""
    return {label: (label.replace("_", " "),) for label in labels}


def join_lines(texts):
    """Joins texts with newlines; each becomes one line, empty ones go."""
    lines = (" ".join(str(text).split()) for text in texts)
    return "\n".join(line for line in lines if line)


def text_id(text):
    """Returns the id of a text, in which case makes no difference."""
    return stable_hash(text.strip().casefold())


def stable_hash(text):
    """Returns a hash in [0, 2^63), equal in all processes and releases."""
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _decode(text):
    try:
        return text.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise BadSampleError(bad.UNREADABLE_TEXT) from None
