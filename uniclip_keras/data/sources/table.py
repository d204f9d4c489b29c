"""Tables with a column of image paths and one of captions or labels.

Arrow reads Parquet only: its CSV reader drops rows with a missing or an extra
cell and everything behind an unclosed quote, and its JSON reader refuses a
file for one bad line or a column with strings in some rows and lists in
others.
"""

import csv
import io
import json
import os
import posixpath

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.files import find_files
from uniclip_keras.data.sources.image_files import ImageFiles
from uniclip_keras.data.sources.image_files import Strings
from uniclip_keras.data.sources.raw import encode_value
from uniclip_keras.data.sources.stream import Stream
from uniclip_keras.data.sources.texts import BadSampleError
from uniclip_keras.errors import InputError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")

# Longer lines of CSV, TSV and JSON are bad samples (4 MB).
_LONGEST_LINE = 2**22

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
    """CSV, TSV, JSON lines or Parquet with one row per image file.

    Tables are kept in memory, without the images, which must be regular files.
    A caption that is a list, as JSON and Parquet allow, is several captions.
    CSV and TSV begin with the names of their columns and quote as Python's
    `csv` does; bad lines are counted and skipped.

    Args:
        path: A path or a list of paths. Each may be a folder (all of its
            `.csv`, `.tsv`, `.jsonl` and `.parquet`), and may hold globs and
            braces.
        image_field: Column of the paths of the images. None: the first of
            `IMAGE_COLUMNS` that is present.
        image_folder: Folder of relative paths. None: that of each table.
        caption_field: None: the first of `TEXT_COLUMNS` that is present.
        label_field: Defaults to "label" if there are `classes`.
        id_field, classes, group_field: See `Source`.

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
    _advice = "give their folder as image_folder, or download them first"

    def __init__(
        self,
        path,
        image_field=None,
        image_folder=None,
        caption_field=None,
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
        self.files = find_files(path, *SUFFIXES)
        names = ("path", "key", *self._fields, "problem")
        columns = {name: [] for name in names if name != "image"}
        for file in self.files:
            self._read_table(file, image_folder, columns)
        columns = {name: Strings(column) for name, column in columns.items()}
        self._open(columns, self.files[0])

    def _read_table(self, file, image_folder, columns):
        """Adds the samples of a table to lists of bytes by column."""
        if image_folder is None:
            image_folder = posixpath.dirname(file)
        folder = os.fsencode(image_folder)
        needed = {name for names in self._fields.values() for name in names}
        for key, row in _read_rows(file, needed):
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
        if path.lower().endswith(".parquet"):
            return _open_parquet(path).schema_arrow.names
        rows = (row for _, row in _read_rows(path, None))
        return list(next(filter(None, rows), {}))


def _read_rows(path, columns):
    """Yields "path:line" and a dict by column for each row of a table.

    A row that cannot be read is None. Bytes that are not UTF-8 become
    surrogates, for the reader of the field to notice. Columns that are not
    among `columns` may be left out.
    """
    name = path.lower()
    if name.endswith((".csv", ".tsv")):
        rows = _read_csv(path, "," if name.endswith(".csv") else "\t")
    elif name.endswith(".jsonl"):
        rows = _read_json_lines(path)
    elif name.endswith(".parquet"):
        rows = _read_parquet(path, columns)
    else:
        raise InputError(
            f"'{path}' is no table: allowed are {', '.join(SUFFIXES)}."
        )
    for number, row in rows:
        yield f"{path}:{number}", row


def _read_csv(path, delimiter):
    lines = _Lines(path, "utf-8-sig")
    reader = csv.reader(lines, delimiter=delimiter)
    header = None
    while True:
        lines.was_cut = False
        try:
            cells = next(reader, None)
        except csv.Error:
            # Such as an unclosed quote; the reader goes on behind it.
            yield reader.line_num, None
            continue
        if cells is None:
            return
        if header is None:
            header = cells
        elif cells:
            # With more cells than columns, nobody knows which are which.
            is_odd = lines.was_cut or any(cells[len(header) :])
            row = None if is_odd else dict(zip(header, cells, strict=False))
            yield reader.line_num, row


def _read_json_lines(path):
    lines = _Lines(path, "utf-8")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        yield number, row if isinstance(row, dict) else None


class _Lines:
    """Iterates over the lines of a file, and cuts off the longest.

    Attributes:
        was_cut: Whether a line was cut; stays so until the user resets it.
    """

    def __init__(self, path, encoding):
        self._file = io.BufferedReader(Stream(path), 2**20)
        self._encoding = encoding
        self.was_cut = False

    def __iter__(self):
        return self

    def __next__(self):
        line = piece = self._file.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        while len(piece) == _LONGEST_LINE and not piece.endswith(b"\n"):
            self.was_cut = True
            piece = self._file.readline(_LONGEST_LINE)
        encoding, self._encoding = self._encoding, "utf-8"
        return line.decode(encoding, "surrogateescape")


def _read_parquet(path, columns):
    table = _open_parquet(path)
    there = [name for name in table.schema_arrow.names if name in columns]
    number = 0
    for batch in table.iter_batches(columns=there):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _open_parquet(path):
    # Arrow is slow to import, and most sources do not need it.
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(Stream(path))
    except pyarrow.ArrowException as error:
        raise InputError(
            f"'{path}' cannot be read as Parquet ({error}): write it again."
        ) from None
