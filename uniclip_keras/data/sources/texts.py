"""What the raw fields of a sample mean: its texts and its id.

Formats read fields as strings; here they become what the pipeline trains on,
by the same rules for every format. It is Python, because no TensorFlow
operation folds case or hashes alike; it runs once for a chunk of samples and
never sees an image.
"""

import dataclasses
import hashlib

from uniclip_keras.data import bad_samples as bad

# Longer texts are documents that got into the wrong field.
LONGEST_CAPTION = 10_000


class BadSampleError(Exception):
    """A sample to skip; `kind` is one of the kinds of `bad_samples`."""

    def __init__(self, kind):
        super().__init__(kind)
        self.kind = kind


@dataclasses.dataclass(frozen=True)
class Captions:
    """Image-text pairs: a sample's texts are its captions.

    Args:
        has_ids: Whether the format reads an id for each sample. Else the id
            is the hash of the captions, so that captions that differ in case
            at most share one id, with each other and with the class of that
            name.
        id_space: Name that is hashed with each id, or None.
    """

    has_ids: bool = False
    id_space: str | None = None

    is_name = False
    class_names = None

    def read(self, text, sample_id, label):
        """`(text, id)` of a sample; raises BadSampleError to skip it.

        Args:
            text: bytes, captions joined by a newline.
            sample_id: bytes, empty if the sample has none.
            label: bytes, not used.
        """
        del label
        text = join_lines(_decoded(text).split("\n"))
        if not text:
            raise BadSampleError(bad.EMPTY_CAPTION)
        if len(max(text.split("\n"), key=len)) > LONGEST_CAPTION:
            raise BadSampleError(bad.OVERSIZE_CAPTION)
        if not self.has_ids:
            return text, text_id(text)
        sample_id = _decoded(sample_id)
        if not sample_id:
            raise BadSampleError(bad.MISSING_ID)
        if self.id_space is not None:
            return text, stable_hash(f"{self.id_space}\n{sample_id}")
        if sample_id.isdecimal() and int(sample_id) < 2**63:
            return text, int(sample_id)
        return text, stable_hash(sample_id)


@dataclasses.dataclass(frozen=True)
class Labels:
    """Labelled images: a class's names are its texts (UniCL, section 3.1).

    A sample's text is its class's names, one a line, and its id a hash of the
    first name: a class has one id in every data set that names it so, whatever
    its label there, and so has a caption that is just that name. Two classes
    of one first name are one class: no text could tell them apart.

    Args:
        classes: What `read_classes` returns. None: a label is its class's
            name, once underscores have become spaces.
    """

    classes: dict | None = None

    is_name = True

    @property
    def class_names(self):
        """All the names of the classes; empty if only the samples tell."""
        return tuple(
            name for names in (self.classes or {}).values() for name in names
        )

    def read(self, text, sample_id, label):
        """`(text, id)` of a sample; raises BadSampleError to skip it."""
        del text, sample_id
        label = _decoded(label)
        if self.classes is None:
            names = (join_lines([label.replace("_", " ")]),)
        else:
            if label and label not in self.classes:
                raise BadSampleError(bad.UNKNOWN_LABEL)
            names = self.classes.get(label, ("",))
        if not names[0]:
            raise BadSampleError(bad.MISSING_LABEL)
        return "\n".join(names), text_id(names[0])


def _decoded(text):
    try:
        return text.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise BadSampleError(bad.UNREADABLE_TEXT) from None


def join_lines(texts):
    """One line per text that is not empty: a newline separates texts."""
    lines = (" ".join(str(text).split()) for text in texts)
    return "\n".join(line for line in lines if line)


def text_id(text):
    """The id of a sample that is known by its text alone.

    Upper and lower case make no difference, so that a caption that is a
    class's name shares its id, wherever either comes from.
    """
    return stable_hash(text.strip().casefold())


def stable_hash(text):
    """A hash in [0, 2^63) that is the same in every process and release."""
    digest = hashlib.blake2b(text.encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
