"""What every source does, whatever the format of its samples."""

import numpy as np

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import texts
from uniclip_keras.data.sources.raw import MISSING
from uniclip_keras.data.sources.stream import BrokenFileError
from uniclip_keras.errors import InputError


class Source:
    """Numbered samples of one format, read in any order or one after another.

    Formats read raw samples, see `raw`; `Captions` or `Labels` give these
    their texts and ids. Samples are dicts of `key` (str), `image` (encoded
    bytes), `text` (captions or class names, one per line), `is_name` (bool),
    `id` (int), `label` and `group` (str), `number` (int, the place in a pass)
    and `problem` (a kind of bad sample, or "").

    Args:
        caption_field: Name of the field with the caption or the captions.
        id_field: Name of the field with the id. Whole numbers are used
            unchanged; anything else is hashed. Sources in a mixture share the
            values of their ids. None: the id is a hash of the captions, see
            `texts.Captions`.
        label_field: Name of the field with the label. The source then holds
            labeled images and reads no captions.
        classes: Path of a class list, see `texts.read_classes`. None: labels
            are the names of their classes.
        image_field: Name of the field with the image.
        group_field: Name of the field with the group, such as a concept or a
            photographer: what an evaluation resamples together. None: there
            are no groups.

    Attributes:
        class_names: All class names of a labeled source, empty if only the
            samples know them; None for a source of captions.
        label_names: The labels of a data set that numbers them, by number.

    Raises:
        InputError: The options contradict each other, the path names nothing,
            or the first readable file holds no good sample.
    """

    # `{column: names}`: the fields to read if no option names one. A sample
    # has the column under any of the names.
    _default_fields = {}

    label_names = ()

    def __init__(
        self,
        caption_field=None,
        id_field=None,
        label_field=None,
        classes=None,
        image_field=None,
        group_field=None,
    ):
        is_labeled = label_field is not None or classes is not None
        if is_labeled and (caption_field, id_field) != (None, None):
            raise InputError(
                f"With label_field={label_field!r} or classes={classes!r}, "
                "texts and ids come from the classes: leave out "
                f"caption_field={caption_field!r} and id_field={id_field!r}."
            )
        self.caption_field = caption_field
        self.id_field = id_field
        self.label_field = label_field
        self.class_list = classes
        if is_labeled:
            self.texts = texts.Labels(
                None if classes is None else texts.read_classes(classes)
            )
        else:
            self.texts = texts.Captions(has_ids=id_field is not None)
        options = {
            "image": image_field,
            "label" if is_labeled else "text": label_field or caption_field,
            "id": id_field,
            "group": group_field,
        }
        self._fields = {
            column: (name,) if name else self._default_fields[column]
            for column, name in options.items()
            if name or column in self._default_fields
        }

    @property
    def class_names(self):
        return self.texts.class_names

    def read(self, numbers):
        """Reads samples by number; several threads may do so at once.

        Args:
            numbers: Sequence of ints from 0 to `count() - 1`.

        Returns:
            A list of samples in this order, bad ones included. The texts and
            ids of samples with a problem mean nothing.

        Raises:
            InputError: Storage fails, in several attempts.
        """
        return [
            self._interpret(raw, number)
            for number, raw in zip(
                numbers, self._read_raw(numbers), strict=True
            )
        ]

    def samples(self, bad_samples=None, images=True):
        """Yields the good samples of one pass, in the order of their numbers.

        Args:
            bad_samples: A `BadSamples` that counts what is read and skipped,
                or None.
            images: Whether to read images; otherwise they are b"".
        """
        tally = bad.BadSamples() if bad_samples is None else bad_samples
        breaks, number = False, -1
        for raw in self._raw_pass(images):
            if raw is None:
                breaks = True
                continue
            number += 1
            sample = self._interpret(raw, number)
            tally.record_read(1)
            if sample["problem"]:
                tally.record(sample["problem"], sample["key"])
            else:
                yield sample
        if breaks and bad_samples is not None:
            for path, count in self._losses():
                tally.record_lost(path, count)

    def count(self):
        """Returns the number of samples in one pass, including bad ones."""
        raise NotImplementedError

    def chunks(self):
        """Returns the borders of runs of samples that are read together.

        They are ascending numbers, int64 `[C + 1]`, from 0 to `count()`.
        """
        return np.arange(self.count() + 1)

    def lost(self, number):
        """Returns the estimated number of samples lost behind a sample.

        It is 0 unless this is the last good sample before a break in a file.
        """
        return 0

    def prepare(self, folder=None, share=None):
        """Finds out where samples are, see `FileSource.prepare`."""

    def _read_raw(self, numbers):
        """Returns the raw samples with these numbers, a list."""
        raise NotImplementedError

    def _raw_pass(self, images):
        """Yields all raw samples, and None where a file breaks."""
        raise NotImplementedError

    def _losses(self):
        """Returns `[(path, lost samples)]` for the files that break."""
        return []

    def _interpret(self, raw, number):
        """Returns the sample of a raw sample."""
        problem, text, sample_id = raw.get("problem", ""), "", 0
        fields = (raw.get(name, b"") for name in ("text", "id", "label"))
        if not problem:
            try:
                text, sample_id = self.texts.read(*fields)
            except texts.BadSampleError as error:
                problem = error.kind
        return {
            "key": raw["key"].decode("utf-8", "replace"),
            "image": raw.get("image", b""),
            "text": text,
            "is_name": self.texts.is_name,
            "id": sample_id,
            "label": raw.get("label", b"").decode("utf-8", "replace"),
            "group": raw.get("group", b"").decode("utf-8", "replace"),
            "number": int(number),
            "problem": problem,
        }

    def _field_names(self, path):
        """Returns the names of the fields in a file, for messages."""
        return []

    def _check(self, files):
        """Raises `InputError` if the first readable file has no good sample.

        `files` are pairs of a path and an iterator of raw samples.
        """
        broken = []
        for path, raw_samples in files:
            tally, seen = bad.BadSamples(), []
            try:
                for number, raw in enumerate(raw_samples):
                    sample = self._interpret(raw, number)
                    if not sample["problem"]:
                        return
                    seen = seen or [raw]
                    tally.record_read(1)
                    tally.record(sample["problem"], sample["key"])
            except BrokenFileError:
                broken.append(path)
                continue
            counts = tally.counts
            kind = max(counts, key=counts.get, default=None)
            raise InputError(
                self._explain(kind, path, seen)
                or f"'{path}' has no good sample ({tally.summary()}): "
                "write it again, or leave it out."
            )
        raise InputError(
            f"None of the {len(broken)} files can be read as "
            f"{type(self).__name__}, beginning with '{broken[0]}': write them "
            "again, or choose another kind of source."
        )

    def _explain(self, kind, path, seen):
        """Returns a sentence about why a file has no good sample, or None.

        `kind` is the most frequent kind of bad sample, None if there is none;
        `seen` holds the first raw sample.
        """
        if kind is None:
            return f"'{path}' is empty: write it again, or leave it out."
        if kind == bad.UNKNOWN_LABEL:
            label = seen[0]["label"].decode("utf-8", "replace")
            classes = list(self.texts.classes)
            known = ", ".join(map(repr, classes[:3]))
            return (
                f"'{path}' has labels such as {label!r}, which are none of the "
                f"{len(classes)} labels in '{self.class_list}' ({known}, ...): "
                "name the class list that belongs to them."
            )
        for column, names in self._fields.items():
            if kind == MISSING.get(column):
                allowed = " or ".join(map(repr, names))
                found = ", ".join(sorted(self._field_names(path))) or "none"
                option = "caption" if column == "text" else column
                return (
                    f"The samples of '{path}' have no usable field {allowed} "
                    f"({option}_field): their fields are {found}; name one."
                )
        return None
