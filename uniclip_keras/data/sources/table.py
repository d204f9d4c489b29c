"""Tables with a column of image paths and one of captions or labels."""

import os
import posixpath

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import rows
from uniclip_keras.data.sources.image_files import ImageFiles
from uniclip_keras.data.sources.missing import MISSING
from uniclip_keras.data.sources.missing import explain_missing
from uniclip_keras.data.sources.paths import find_files
from uniclip_keras.data.sources.texts import BadSampleError
from uniclip_keras.data.sources.texts import join_lines

# Columns to look for where none is named; the first one there counts.
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

# Rows to try before giving up.
_FIRST_ROWS = 1000


class Table(ImageFiles):
    """CSV, TSV, JSON lines or Parquet with a row for each image and text.

    A row holds the path of an image file; a relative one is below
    `image_folder`. Tables are read once and kept in memory as strings, so
    that all their rows are shuffled together; images are read in passing.

    A caption that is a list, which JSON and Parquet have, is several
    captions. CSV and TSV begin with the names of their columns, and quote as
    Python's `csv` does; a bad line is counted and passed over.

    Args:
        path: A path, or a list of paths; each may be a folder (all its
            `.csv`, `.tsv`, `.jsonl` and `.parquet`), and may hold globs and
            braces.
        image_field: Column of the images' paths. None: the first there is of
            `IMAGE_COLUMNS`.
        image_folder: What relative paths are below. None: each table's own
            folder.
        caption_field: None: the first there is of `TEXT_COLUMNS`.
        label_field: "label" by default where there are `classes`.
        id_field, id_space, classes, samples: See `Source`.

    Raises:
        InputError: See `Source`; or a file is no such table.

    Example:

    ```python
    pairs = Table("cc3m/train.tsv", image_field="filepath",
                  caption_field="title", image_folder="gs://bucket/cc3m")
    labelled = Table("pets.csv", label_field="breed")
    ```
    """

    def __init__(
        self,
        path,
        image_field=None,
        image_folder=None,
        caption_field=None,
        id_field=None,
        id_space=None,
        label_field=None,
        classes=None,
        samples=None,
    ):
        super().__init__(
            caption_field, id_field, id_space, label_field, classes, samples
        )
        self.files = find_files(path, *rows.SUFFIXES)
        self._fields = {
            "image": (image_field,) if image_field else IMAGE_COLUMNS
        }
        if self.texts.is_name:
            self._fields["label"] = (label_field or "label",)
        else:
            named = (caption_field,) if caption_field else TEXT_COLUMNS
            self._fields["text"] = named
        if id_field is not None:
            self._fields["id"] = (id_field,)
        tables = [self._read_table(file, image_folder) for file in self.files]
        self._columns = {
            name: tf.concat([table[name] for table in tables], axis=0)
            for name in tables[0]
        }
        self._check("tables", self.files[:1], _FIRST_ROWS)

    def _read_table(self, file, image_folder):
        """String tensors `[rows]` by column."""
        if image_folder is None:
            image_folder = posixpath.dirname(file)
        folder = os.fsencode(image_folder)
        names = ("path", "key", *self._fields, "problem")
        columns = {name: [] for name in names if name != "image"}
        wanted = {name for names in self._fields.values() for name in names}
        for place, row in rows.read_rows(file, wanted):
            record = self._record(row)
            path = record.pop("image", b"")
            if path:
                # An absolute path stays one.
                below = b"://" not in path
                record["path"] = posixpath.join(folder, path) if below else path
            else:
                record["key"] = place.encode("utf-8", "surrogateescape")
            for name, column in columns.items():
                column.append(record.get(name, b""))
        return {
            name: tf.constant(column, tf.string, [len(column)])
            for name, column in columns.items()
        }

    def _record(self, row):
        """The fields of a row, and its problem where one cannot be had."""
        record = {}
        try:
            if row is None:
                raise BadSampleError(bad.UNREADABLE_METADATA)
            for column, names in self._fields.items():
                name = next((name for name in names if name in row), None)
                record[column] = _cell(row.get(name), column)
        except BadSampleError as error:
            record["problem"] = error.kind.encode()
        return record

    def _explain(self, kind, path):
        if kind is None:
            return (
                f"The table '{path}' has no rows: write it again, or leave it "
                "out."
            )
        there = rows.column_names(path)
        if kind == bad.MISSING_IMAGE and {*self._fields["image"]} & {*there}:
            first = self._columns["path"][0].numpy().decode("utf-8", "replace")
            return (
                f"None of the first images that '{path}' names can be read, "
                f"beginning with '{first}': name the folder that they are in "
                "as image_folder; images on the web are to be downloaded "
                "first, by img2dataset for example."
            )
        return explain_missing(kind, path, self._fields, there)


def _cell(value, column):
    """The bytes of a cell; raises BadSampleError where they are of no use."""
    if column == "text" and isinstance(value, list):
        value = join_lines(value)
    elif column == "text" and isinstance(value, str):
        # A line is a caption; prose of one may be broken into several.
        value = value.replace("\n", " ")
    elif isinstance(value, float) and value.is_integer():
        # What whole numbers become beside empty cells.
        value = int(value)
    if value is None or value != value:
        raise BadSampleError(MISSING[column])
    allowed = str if column == "image" else str | int
    if isinstance(value, bool) or not isinstance(value, allowed):
        kind = bad.UNREADABLE_TEXT if column == "text" else MISSING[column]
        raise BadSampleError(kind)
    try:
        return str(value).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise BadSampleError(bad.UNREADABLE_TEXT) from None
