"""What every source does, whatever format its samples are in."""

import numpy as np
import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.python_calls import numpy_function
from uniclip_keras.data.sources.classes import read_classes
from uniclip_keras.data.sources.texts import BadSampleError
from uniclip_keras.data.sources.texts import Captions
from uniclip_keras.data.sources.texts import Labels
from uniclip_keras.errors import InputError

ELEMENT_SPEC = {
    "key": tf.TensorSpec([], tf.string),
    "image": tf.TensorSpec([], tf.string),
    "text": tf.TensorSpec([], tf.string),
    "is_name": tf.TensorSpec([], tf.bool),
    "id": tf.TensorSpec([], tf.int64),
    "label": tf.TensorSpec([], tf.string),
}


class Source:
    """One pass after another over samples of one format.

    A format says in `_units` what there is to read, as slices that can be
    shuffled and shared among workers (files, or rows of a table), and in
    `_read` how to get raw samples out of them.

    Args:
        caption_field: Name of the field with the caption or captions.
        id_field: Name of the field with the sample's id: a whole number is
            taken as it is, anything else through a stable hash. None: the
            hash of the captions, so that captions that differ in case at most
            share one id, with each other and with the class of that name.
        id_space: Sources in a mixture share the values of their `id_field`,
            as two sets of drawings of the same items should. Give those that
            count for themselves a name each, to keep their ids apart.
        label_field: Name of the field with the label. The source is one of
            labelled images then, and reads no captions.
        classes: Path of a class list, see `read_classes`. None: labels are
            the names of their classes.
        samples: Samples in one pass, where it is known. None: they are
            counted when first asked for.

    Attributes:
        class_names: All names of the classes of a labelled source, empty
            where only the samples tell; None for one of captions.

    Raises:
        InputError: The options contradict each other, nothing is found under
            the path, or there is no good sample in the first readable file.
    """

    def __init__(
        self,
        caption_field=None,
        id_field=None,
        id_space=None,
        label_field=None,
        classes=None,
        samples=None,
    ):
        labelled = label_field is not None or classes is not None
        if labelled and (caption_field, id_field, id_space) != (None,) * 3:
            raise InputError(
                f"A source of labelled images (label_field={label_field!r}, "
                f"classes={classes!r}) takes its texts and ids from its "
                f"classes: leave out caption_field={caption_field!r}, "
                f"id_field={id_field!r} and id_space={id_space!r}."
            )
        if id_space is not None and id_field is None:
            raise InputError(
                f"The id_space {id_space!r} has no id_field beside it: name "
                "the field of the ids to keep apart, or leave it out."
            )
        self.caption_field = caption_field
        self.id_field = id_field
        self.label_field = label_field
        self.class_list = classes
        if labelled:
            self.texts = Labels(
                None if classes is None else read_classes(classes)
            )
        else:
            self.texts = Captions(id_field is not None, id_space)
        self._count = samples

    @property
    def class_names(self):
        return self.texts.class_names

    # Nothing here needs AutoGraph, which takes longer than tracing itself.
    @tf.autograph.experimental.do_not_convert
    def dataset(
        self, seed=0, shuffle=False, bad_samples=None, worker=0, workers=1
    ):
        """One pass over the samples, or over one worker's share of them.

        The shares of all workers, with the same seed, hold every sample
        exactly once. They are made of whole files (or rows) where there are
        as many as workers; else every worker reads everything and keeps every
        `workers`-th sample.

        Args:
            seed: Of the order of the files or rows; a new order in every
                pass, the same in every process.
            shuffle: Shuffles files or rows, and interleaves four files. To
                mix samples, shuffle the result once more with a buffer.
            bad_samples: A `BadSamples` that counts what is skipped, or None.
            worker: The place of this worker among `workers`.
            workers: How many workers share a pass.

        Returns:
            A `tf.data.Dataset` of `ELEMENT_SPEC`.
        """
        units = tf.data.Dataset.from_tensor_slices(self._units())
        count = int(units.cardinality())
        if shuffle:
            units = units.shuffle(count, seed=seed)
        by_unit = count >= workers
        if by_unit:
            units = units.shard(workers, worker)
        # Shares of samples must not count what the others skip as well.
        counted = bad_samples if by_unit or worker == 0 else None
        raw = self._read(units, shuffle, counted)
        samples = raw.map(self._interpret(counted)).unbatch()
        return samples if by_unit else samples.shard(workers, worker)

    def samples(self, bad_samples=None):
        """One pass in order, in plain Python.

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
        """Samples in one pass, bad ones included."""
        if self._count is None:
            self._count = self._count_samples()
        return self._count

    def _units(self):
        """What there is to read: an array, or a dict of arrays."""
        raise NotImplementedError

    def _read(self, units, shuffle, bad_samples):
        """Raw samples out of a dataset of units.

        Returns:
            A dataset of chunks, dicts of `RAW_COLUMNS`, each `[n]` strings.
        """
        raise NotImplementedError

    def _count_samples(self):
        """Samples in one pass; called once."""
        raise NotImplementedError

    def _explain(self, kind, unit):
        """What to do about a first file whose samples are all bad.

        Args:
            kind: The most frequent kind of bad sample, None if there is no
                sample at all.
            unit: The file's path.

        Returns:
            A sentence, or None where the counts say it all.
        """
        raise NotImplementedError

    def _interpret(self, bad_samples):
        """The function from chunks of raw samples to chunks of good ones."""

        def in_python(*columns):
            kept, texts, ids = [], [], []
            for place, row in enumerate(zip(*columns, strict=True)):
                key, text, sample_id, label, problem = row
                try:
                    if problem:
                        raise BadSampleError(problem.decode())
                    text, sample_id = self.texts.read(text, sample_id, label)
                except BadSampleError as error:
                    if bad_samples is not None:
                        bad_samples.record(
                            error.kind, key.decode("utf-8", "replace")
                        )
                    continue
                kept.append(place)
                texts.append(text.encode())
                ids.append(sample_id)
            if bad_samples is not None:
                bad_samples.record_read(len(columns[0]))
            return (
                np.array(kept, np.int64),
                np.array(texts, object),
                np.array(ids, np.int64),
            )

        def interpret(raw):
            inputs = [raw[n] for n in ("key", "text", "id", "label", "problem")]
            kept, texts, ids = numpy_function(
                in_python, inputs, [tf.int64, tf.string, tf.int64]
            )
            kept.set_shape([None])
            return {
                "key": tf.gather(raw["key"], kept),
                "image": tf.gather(raw["image"], kept),
                "text": tf.ensure_shape(texts, [None]),
                "is_name": tf.fill(tf.shape(kept), self.texts.is_name),
                "id": tf.ensure_shape(ids, [None]),
                "label": tf.gather(raw["label"], kept),
            }

        return interpret

    @tf.autograph.experimental.do_not_convert
    def _check(self, what, names, size=1):
        """Looks for one good sample before any work starts.

        Args:
            what: What has the names, for the message: "tars", "tables".
            names: Names of the files to try, one after the other: a broken
                file is skipped like a broken image, as long as another one
                can be read.
            size: Units to try for each name.
        """
        units = tf.data.Dataset.from_tensor_slices(self._units())
        for place, unit in enumerate(names):
            tally = bad.BadSamples()
            raw = self._read(units.skip(place * size).take(size), False, tally)
            good = raw.map(self._interpret(tally)).unbatch()
            if next(good.as_numpy_iterator(), None) is not None:
                return
            if bad.TRUNCATED_FILE not in tally.counts:
                kind = max(tally.counts, key=tally.counts.get, default=None)
                why = self._explain(kind, unit)
                if kind == bad.UNKNOWN_LABEL:
                    why = self._explain_label(raw, unit)
                raise InputError(
                    why
                    or f"'{unit}' has no good sample ({tally.summary()}): "
                    "write it again, or leave it out."
                )
        raise InputError(
            f"None of the {len(names)} {what} can be read, beginning with "
            f"'{names[0]}': they are empty, cut off or no {what}; write "
            "them again."
        )

    def _explain_label(self, raw, unit):
        label = next(raw.as_numpy_iterator())["label"][0].decode()
        classes = list(self.texts.classes)
        known = ", ".join(map(repr, classes[:3]))
        return (
            f"The samples of '{unit}' have labels such as {label!r}, which "
            f"are none of the {len(classes)} of '{self.class_list}' ({known}, "
            "...): name the class list that belongs to them."
        )
