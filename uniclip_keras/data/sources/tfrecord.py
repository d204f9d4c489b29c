"""TFRecord files of `tf.train.Example`, as img2dataset writes them."""

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import examples
from uniclip_keras.data.sources import records
from uniclip_keras.data.sources.chunks import interleave_files
from uniclip_keras.data.sources.counts import count_files
from uniclip_keras.data.sources.missing import explain_missing
from uniclip_keras.data.sources.paths import find_files
from uniclip_keras.data.sources.source import Source

# What img2dataset calls an image, after its format.
IMAGE_FEATURES = ("jpg", "png", "webp")


class TFRecords(Source):
    """TFRecord files whose records are `tf.train.Example`.

    A field is a feature of bytes or whole numbers. Several captions are
    several values of one feature. Files whose names end in `.gz` are
    compressed.

    Args:
        path: A path, or a list of paths; each may be a folder (all its
            `.tfrecord`, `.tfrecords` and `.tfrecord.gz`), and may hold globs
            and braces: `train-{00000..00012}.tfrecord`.
        image_field: The feature with the encoded image. None: `jpg`, `png`
            or `webp`, whichever the record has.
        caption_field: "txt" by default.
        key_field: The feature that names samples in messages, "key" by
            default; a sample without it is `path:number`.
        label_field: "cls" by default where there are `classes`.
        id_field, id_space, classes, samples: See `Source`.

    Raises:
        InputError: See `Source`; or a field holds floats.

    Example:

    ```python
    pairs = TFRecords("laion/{00000..00999}.tfrecord")
    own = TFRecords("shards/", image_field="image/encoded",
                    caption_field="image/captions", id_field="image/id")
    ```
    """

    def __init__(
        self,
        path,
        image_field=None,
        caption_field=None,
        key_field=None,
        id_field=None,
        id_space=None,
        label_field=None,
        classes=None,
        samples=None,
    ):
        super().__init__(
            caption_field, id_field, id_space, label_field, classes, samples
        )
        self.files = find_files(path, ".tfrecord", ".tfrecords", ".tfrecord.gz")
        self._fields = {
            "key": (key_field or "key",),
            "image": (image_field,) if image_field else IMAGE_FEATURES,
        }
        if self.texts.is_name:
            self._fields["label"] = (label_field or "cls",)
        else:
            self._fields["text"] = (caption_field or "txt",)
        if id_field is not None:
            self._fields["id"] = (id_field,)
        self._found = examples.look(self.files)
        self._parse = examples.parser(examples.typed(self._fields, self._found))
        self._check("TFRecord files", self.files)

    def _units(self):
        return self.files

    def _read(self, units, shuffle, bad_samples):
        def read_file(path):
            chunks = records.read_chunks(path, 0, -1, bad_samples)
            return chunks.flat_map(
                lambda numbers, chunk: examples.parse_chunk(
                    path, numbers, chunk, self._parse
                )
            )

        return interleave_files(units, read_file, shuffle)

    def _count_samples(self):
        return count_files(self.files, records.count_records)

    def _explain(self, kind, path):
        if kind is None:
            return (
                f"The file '{path}' is empty: write it again, or leave it out."
            )
        if kind == bad.UNREADABLE_METADATA:
            return (
                f"The records of '{path}' are no tf.train.Example, or have "
                "features of another type than the first file: write them "
                "again."
            )
        return explain_missing(kind, path, self._fields, self._found)
