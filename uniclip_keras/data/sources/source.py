"""What every source does, whatever the format of its samples."""

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.raw import MISSING
from uniclip_keras.data.sources.texts import Captions
from uniclip_keras.data.sources.texts import Labels
from uniclip_keras.data.sources.texts import read_classes
from uniclip_keras.data.sources.texts import read_texts
from uniclip_keras.errors import InputError

# The option that names the field of a column.
_OPTIONS = {
    "image": "image_field",
    "text": "caption_field",
    "id": "id_field",
    "label": "label_field",
}


class Source:
    """Samples of one format, read in any number of passes.

    A sample goes through three steps. The format lists in `_units` what there
    is to read, as slices that can be shuffled and sharded (files, or rows of
    a table). Its `_read` turns units into chunks of raw samples, see `raw`.
    `Captions` or `Labels` then give each raw sample its text and its id.

    Args:
        caption_field: Name of the field with the caption or the captions.
        id_field: Name of the field with the id of the sample. Whole numbers
            are used unchanged; anything else is hashed. Sources in a mixture
            share the values of their ids. None: the id is a hash of the
            captions, so captions that differ only in case share one id with
            each other and with the class of that name.
        label_field: Name of the field with the label. The source then holds
            labeled images and reads no captions.
        classes: Path of a class list, see `texts.read_classes`. None: labels
            are the names of their classes.
        samples: The number of samples in one pass, if known. None: samples
            are counted when `count` is first called.
        image_field: Name of the field with the image, in the formats that
            have one.

    Attributes:
        class_names: All class names of a labeled source, empty if only the
            samples know them; None for a source of captions.

    Raises:
        InputError: The options contradict each other, the path names nothing,
            or the first readable file holds no good sample.
    """

    # The fields of a format that no option names: `{column: names}`. Samples
    # hold the value of a column under one of the names.
    _default_fields = {}

    # What error messages call the files of the format.
    _noun = "files"

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
                f"A source of labeled images (label_field={label_field!r}, "
                f"classes={classes!r}) takes its texts and ids from its "
                f"classes: leave out caption_field={caption_field!r} and "
                f"id_field={id_field!r}."
            )
        self.caption_field = caption_field
        self.id_field = id_field
        self.label_field = label_field
        self.class_list = classes
        if is_labeled:
            self.texts = Labels(
                None if classes is None else read_classes(classes)
            )
        else:
            self.texts = Captions(has_ids=id_field is not None)
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
        these than shards, every shard reads all files and keeps one sample
        out of `num_shards`.

        Args:
            seed: Seed of the order of files or rows. The order is new in each
                pass and the same in every process.
            shuffle: Whether to shuffle the files or rows, and to interleave
                four files. To mix the samples of a file, shuffle the dataset
                again with a buffer.
            bad_samples: A `BadSamples` that counts what is skipped, or None.
            shard_index: Index of the shard to read, from 0.
            num_shards: Number of shards of a pass.

        Returns:
            A `tf.data.Dataset` of dicts of scalars, see the description of
            `uniclip_keras.data.sources`.
        """
        units = tf.data.Dataset.from_tensor_slices(self._units())
        num_units = int(units.cardinality())
        if shuffle:
            units = units.shuffle(num_units, seed=seed)
        shards_units = num_units >= num_shards
        if shards_units:
            units = units.shard(num_shards, shard_index)
        elif shard_index > 0:
            # All shards read the same samples; one of them counts the bad.
            bad_samples = None
        raw = self._read(units, shuffle, bad_samples)
        samples = read_texts(raw, self.texts, bad_samples)
        if shards_units:
            return samples
        return samples.shard(num_shards, shard_index)

    def samples(self, bad_samples=None):
        """Yields the samples of one pass in order.

        Args:
            bad_samples: A `BadSamples` that counts what is skipped, or None.

        Yields:
            Dicts of `key` str, `image` encoded bytes, `text` str, `is_name`
            bool, `id` int, `label` str.
        """
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

    def _units(self):
        """Returns what there is to read: an array, or a dict of arrays."""
        raise NotImplementedError

    def _read(self, units, shuffle, bad_samples):
        """Reads raw samples, up to where a file breaks.

        Args:
            units: Dataset of slices of `_units`.
            shuffle: Whether to interleave files.
            bad_samples: A `BadSamples` that counts broken files, or None.

        Returns:
            A dataset of chunks: dicts of `raw.COLUMNS`, each string `[n]`.
        """
        raise NotImplementedError

    def _count_samples(self):
        """Counts the samples of one pass; called at most once."""
        raise NotImplementedError

    def _field_names(self, path):
        """Returns the names of the fields in a file, for messages."""
        return []

    @tf.autograph.experimental.do_not_convert
    def _check(self, files, units_per_file=1):
        """Looks for one good sample before any work starts.

        Broken files are passed over, as long as another file can be read.

        Args:
            files: Paths of the files to try, in order.
            units_per_file: Number of units to try in each file.

        Raises:
            InputError: No file has a good sample.
        """
        units = tf.data.Dataset.from_tensor_slices(self._units())
        for index, path in enumerate(files):
            tally = bad.BadSamples()
            tried = units.skip(index * units_per_file).take(units_per_file)
            raw = self._read(tried, False, tally)
            good = read_texts(raw, self.texts, tally)
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
            f"None of the {len(files)} {self._noun} can be read, beginning "
            f"with '{files[0]}': they are empty, cut off or in another "
            "format; write them again."
        )

    def _explain(self, kind, path, raw):
        """Explains why a file has no good sample.

        Args:
            kind: The most frequent kind of bad sample in the file; None if it
                has no samples at all.
            path: Path of the file.
            raw: Dataset of its chunks of raw samples.

        Returns:
            A sentence, or None if the counts of bad samples say it all.
        """
        if kind is None:
            return f"'{path}' is empty: write it again, or leave it out."
        if kind == bad.UNKNOWN_LABEL:
            label = next(raw.as_numpy_iterator())["label"][0].decode()
            classes = list(self.texts.classes)
            known = ", ".join(map(repr, classes[:3]))
            return (
                f"The samples of '{path}' have labels such as {label!r}, "
                f"which are none of the {len(classes)} labels in "
                f"'{self.class_list}' ({known}, ...): name the class list "
                "that belongs to them."
            )
        for column, names in self._fields.items():
            if kind == MISSING.get(column):
                allowed = " or ".join(f"'{name}'" for name in names)
                found = ", ".join(sorted(self._field_names(path))) or "none"
                return (
                    f"The samples of '{path}' have no usable field {allowed} "
                    f"({_OPTIONS[column]}): their fields are {found}; name "
                    f"one of them as {_OPTIONS[column]}."
                )
        return None
