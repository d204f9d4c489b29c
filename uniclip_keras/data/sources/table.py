"""Tables with a column of image paths and one of captions or labels."""

import os
import posixpath

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import rows
from uniclip_keras.data.sources.files import find_files
from uniclip_keras.data.sources.image_files import ImageFiles
from uniclip_keras.data.sources.raw import encode_value
from uniclip_keras.data.sources.texts import BadSampleError

# Columns to look for if no option names one; the first one present counts.
IMAGE_COLUMNS = (
    "image",
    "image_path",
    "img_path",
    "filepath",
    "file_path",
    "file_name",
    "filename",
    "path",
)
TEXT_COLUMNS = ("caption", "captions", "text", "txt", "title", "description")


class Table(ImageFiles):
    """CSV, TSV, JSON lines or Parquet with one row per image.

    A row holds the path of an image file. Tables are read once and kept in
    memory, so that all rows are shuffled together; images are read when they
    are needed. A caption that is a list, as JSON and Parquet allow, is
    several captions. CSV and TSV begin with the names of their columns and
    quote as Python's `csv` does; bad lines are counted and skipped.

    Args:
        path: A path or a list of paths. Each may be a folder (all of its
            `.csv`, `.tsv`, `.jsonl` and `.parquet`), and may hold globs and
            braces.
        image_field: Column of the paths of the images. None: the first of
            `IMAGE_COLUMNS` that is present.
        image_folder: Folder that relative paths are below. None: the folder
            of each table.
        caption_field: None: the first of `TEXT_COLUMNS` that is present.
        label_field: Defaults to "label" if there are `classes`.
        id_field, classes, samples: See `Source`.

    Raises:
        InputError: See `Source`; or a file is no such table.

    Example:

    ```python
    pairs = Table("cc3m/train.tsv", image_field="filepath",
                  caption_field="title", image_folder="gs://bucket/cc3m")
    labeled = Table("pets.csv", label_field="breed")
    ```
    """

    _default_fields = {
        "image": IMAGE_COLUMNS,
        "text": TEXT_COLUMNS,
        "label": ("label",),
    }
    _noun = "tables"

    def __init__(
        self,
        path,
        image_field=None,
        image_folder=None,
        caption_field=None,
        id_field=None,
        label_field=None,
        classes=None,
        samples=None,
    ):
        super().__init__(
            caption_field, id_field, label_field, classes, samples, image_field
        )
        self.files = find_files(path, *rows.SUFFIXES)
        # Strings in tensors take less memory than in Python, so each table
        # becomes tensors before the next one is read.
        tables = [self._read_table(file, image_folder) for file in self.files]
        columns = {
            name: tf.concat([table[name] for table in tables], axis=0)
            for name in tables[0]
        }
        self._open(columns, self.files[0])

    def _read_table(self, file, image_folder):
        """Returns the samples of a table, string tensors `[n]` by column."""
        if image_folder is None:
            image_folder = posixpath.dirname(file)
        folder = os.fsencode(image_folder)
        names = ("path", "key", *self._fields, "problem")
        columns = {name: [] for name in names if name != "image"}
        needed = {name for names in self._fields.values() for name in names}
        for key, row in rows.read_rows(file, needed):
            sample = self._read_row(row)
            path = sample.pop("image", b"")
            if not path:
                sample["key"] = key.encode("utf-8", "surrogateescape")
            elif b"://" in path:
                sample["path"] = path
            else:
                # Absolute paths stay unchanged.
                sample["path"] = posixpath.join(folder, path)
            for name, column in columns.items():
                column.append(sample.get(name, b""))
        return {
            name: tf.constant(column, tf.string, [len(column)])
            for name, column in columns.items()
        }

    def _read_row(self, row):
        """Returns the fields of a row, with a problem if one is unusable."""
        sample = {}
        try:
            if row is None:
                raise BadSampleError(bad.UNREADABLE_METADATA)
            for column, names in self._fields.items():
                name = next((name for name in names if name in row), None)
                sample[column] = encode_value(row.get(name), column)
        except BadSampleError as error:
            sample["problem"] = error.kind.encode()
        return sample

    def _field_names(self, path):
        return rows.column_names(path)

    def _explain(self, kind, path, raw):
        no_column = {*self._fields["image"]}.isdisjoint(self._field_names(path))
        if kind != bad.MISSING_IMAGE or no_column:
            return super()._explain(kind, path, raw)
        return (
            f"None of the first images that '{path}' names can be read, "
            f"beginning with '{self._first_path()}': give the folder that "
            "they are in as image_folder; images on the web must be "
            "downloaded first, for example with img2dataset."
        )
