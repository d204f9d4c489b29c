"""TFRecord files of `tf.train.Example`, as img2dataset writes them."""

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import examples
from uniclip_keras.data.sources import files
from uniclip_keras.data.sources.file_source import FileSource
from uniclip_keras.data.sources.layout import Part
from uniclip_keras.data.sources.record_reader import RecordReader
from uniclip_keras.data.sources.stream import Stream
from uniclip_keras.data.sources.texts import BadSampleError


class RecordFiles(FileSource):
    """Base class of sources of `tf.train.Example` in TFRecord files.

    Records are read whole, also without their images: the checksum is that of
    the whole record.
    """

    _format = "tfrecord"

    def _make_reader(self, stream, position=0):
        return RecordReader(stream, position, stream.path.endswith(".gz"))

    def _wanted(self, images):
        return {"image"} if images else {"text"}

    def _raw_sample(self, part, number, content):
        name = f"{part.name}:{number}".encode("utf-8", "surrogateescape")
        sample = {"key": name}
        try:
            if isinstance(content, str):
                raise BadSampleError(content)
            features = examples.parse_features(content)
            # First the key: it names samples that lack another field.
            for column in ("key", *self._fields):
                names = self._fields.get(column, ())
                sample[column] = examples.read_column(
                    features, names, column
                ) or sample.get(column, b"")
        except BadSampleError as error:
            sample["problem"] = error.kind
        return sample

    def _field_names(self, path):
        return self._first_features(path)

    def _first_features(self, path):
        """Returns the features of the first record of a file."""
        with Stream(path) as stream:
            record = self._make_reader(stream).read(True)
        try:
            return examples.parse_features(record)
        except (BadSampleError, TypeError):
            # TypeError: the kind of a bad record.
            return {}

    def _explain(self, kind, path, seen):
        if kind == bad.UNREADABLE_METADATA:
            names = {name for names in self._fields.values() for name in names}
            floats = examples.float_features(self._first_features(path))
            for name in names.intersection(floats):
                return (
                    f"The feature '{name}' holds floats: name one of bytes or "
                    "of whole numbers."
                )
            return (
                f"The records of '{path}' are no tf.train.Example: write them "
                "again."
            )
        return super()._explain(kind, path, seen)


class TFRecords(RecordFiles):
    """TFRecord files whose records are `tf.train.Example`.

    A field is a feature of bytes or whole numbers; several captions are
    several values of one feature. Files with names in `.gz` are compressed.

    Args:
        path: A path or a list of paths. Each may be a folder (all of its
            `.tfrecord`, `.tfrecords` and `.tfrecord.gz`), and may hold globs
            and braces: `train-{00000..00012}.tfrecord`.
        image_field: The feature with the encoded image. None: `jpg`, `png` or
            `webp`, whichever a record has.
        caption_field: Defaults to "txt".
        key_field: The feature that names samples in messages, by default
            "key". A sample without it is named `path:index`.
        label_field: Defaults to "cls" if there are `classes`.
        id_field, classes, group_field: See `Source`.

    Raises:
        InputError: See `Source`; or a field holds floats.

    Example:

    ```python
    pairs = TFRecords("laion/{00000..00999}.tfrecord")
    own = TFRecords("shards/", image_field="image/encoded",
                    caption_field="image/captions", id_field="image/id")
    ```
    """

    _default_fields = {
        "image": ("jpg", "png", "webp"),
        "text": ("txt",),
        "label": ("cls",),
    }

    def __init__(
        self,
        path,
        image_field=None,
        caption_field=None,
        key_field=None,
        id_field=None,
        label_field=None,
        classes=None,
        group_field=None,
    ):
        super().__init__(
            caption_field,
            id_field,
            label_field,
            classes,
            image_field,
            group_field,
        )
        self._fields["key"] = (key_field or "key",)
        self.files = files.find_files(
            path, ".tfrecord", ".tfrecords", ".tfrecord.gz"
        )
        self._open([Part(path, path) for path in self.files])
