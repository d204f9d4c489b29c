"""What every source does, whatever the format of its samples."""

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import texts
from uniclip_keras.data.sources.raw import MISSING
from uniclip_keras.errors import InputError


class Source:
    """Samples of one format, read in any number of passes.

    `_units` is a dataset of what there is to read (files, or rows of a table),
    which `_read` turns into chunks of raw samples, see `raw`. `Captions` or
    `Labels` then give each raw sample its text and its id.

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
        samples: The number of samples in one pass. None: they are counted
            when `count` is first called.
        image_field: Name of the field with the image.

    Attributes:
        class_names: All class names of a labeled source, empty if only the
            samples know them; None for a source of captions.

    Raises:
        InputError: The options contradict each other, the path names nothing,
            or the first readable file holds no good sample.
    """

    # `{column: names}`: the fields to read if no option names one. A sample
    # has the column under any of the names.
    _default_fields = {}

    def __init__(
        self,
        caption_field=None,
        id_field=None,
        label_field=None,
        classes=None,
        samples=None,
        image_field=None,
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
        }
        self._fields = {
            column: (name,) if name else self._default_fields[column]
            for column, name in options.items()
            if name or column in self._default_fields
        }
        self._count = samples

    @property
    def class_names(self):
        return self.texts.class_names

    # AutoGraph would take longer than tracing, and nothing here needs it.
    @tf.autograph.experimental.do_not_convert
    def dataset(
        self,
        seed=0,
        shuffle=False,
        bad_samples=None,
        shard_index=0,
        num_shards=1,
    ):
        """Creates a dataset of one pass over the samples, or over one shard.

        With the same seed, all shards together hold every sample exactly
        once. Shards are made of whole files (or rows). If there are fewer of
        these than shards, every shard reads all and keeps one sample in
        `num_shards`.

        Args:
            seed: Seed of the order, which is new in each pass and the same in
                every process.
            shuffle: Whether to shuffle the files or rows, and to interleave
                four files. Their samples need a shuffle buffer of their own.
            bad_samples: A `BadSamples` that counts what is skipped, or None.
            shard_index: Index of the shard to read, from 0.
            num_shards: Number of shards of a pass.

        Returns:
            A `tf.data.Dataset`, see `uniclip_keras.data.sources`.
        """
        units = self._units
        num_units = int(units.cardinality())
        if shuffle:
            units = units.shuffle(num_units, seed=seed)
        shards_units = num_units >= num_shards
        if shards_units:
            units = units.shard(num_shards, shard_index)
        # If all shards read the same samples, one of them counts the bad.
        if bad_samples is None or not shards_units and shard_index > 0:
            bad_samples = bad.BadSamples()
        raw = self._read(units, shuffle, bad_samples)
        samples = texts.read_texts(raw, self.texts, bad_samples)
        if shards_units:
            return samples
        return samples.shard(num_shards, shard_index)

    def samples(self, bad_samples=None):
        """Yields the samples of one pass as dicts of Python values."""
        for sample in self.dataset(bad_samples=bad_samples).as_numpy_iterator():
            yield {
                "key": sample["key"].decode("utf-8", "replace"),
                "image": sample["image"],
                "text": sample["text"].decode(),
                "is_name": bool(sample["is_name"]),
                "id": int(sample["id"]),
                "label": sample["label"].decode("utf-8", "replace"),
            }

    def count(self):
        """Returns the number of samples in one pass, including bad ones."""
        if self._count is None:
            self._count = self._count_samples()
        return self._count

    def _read(self, units, shuffle, bad_samples):
        """Returns a dataset of dicts of `raw.COLUMNS`, each string `[n]`."""
        raise NotImplementedError

    def _field_names(self, path):
        """Returns the names of the fields in a file, for messages."""
        return []

    @tf.autograph.experimental.do_not_convert
    def _check(self, files, units_per_file=1):
        """Raises `InputError` if the first readable file has no good sample."""
        for index, path in enumerate(files):
            tally = bad.BadSamples()
            units = self._units.skip(index * units_per_file)
            raw = self._read(units.take(units_per_file), False, tally)
            good = texts.read_texts(raw, self.texts, tally)
            if next(good.as_numpy_iterator(), None) is not None:
                return
            counts = tally.counts
            if bad.TRUNCATED_FILE not in counts:
                kind = max(counts, key=counts.get, default=None)
                raise InputError(
                    self._explain(kind, path, raw)
                    or f"'{path}' has no good sample ({tally.summary()}): "
                    "write it again, or leave it out."
                )
        raise InputError(
            f"None of the {len(files)} files can be read as "
            f"{type(self).__name__}, beginning with '{files[0]}': write them "
            "again, or choose another kind of source."
        )

    def _explain(self, kind, path, raw):
        """Returns a sentence about why a file has no good sample, or None.

        `kind` is the most frequent kind of bad sample; None if there is none.
        """
        if kind is None:
            return f"'{path}' is empty: write it again, or leave it out."
        if kind == bad.UNKNOWN_LABEL:
            label = next(raw.as_numpy_iterator())["label"][0].decode()
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
