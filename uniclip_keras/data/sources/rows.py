"""Rows of tables as dicts: CSV, TSV, JSON lines and Parquet.

Tables are small beside the images that they name, so Python reads each once.
Arrow reads Parquet only: its CSV reader drops rows with a missing or an extra
cell and everything behind an unclosed quote, and its JSON reader refuses a
file for one bad line or a column with strings in some rows and lists in
others.
"""

import csv
import io
import json

import tensorflow as tf

from uniclip_keras.errors import InputError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")

# Rows of Parquet to turn into Python objects at once.
_BATCH = 10_000


def read_rows(path, columns):
    """Reads the rows of one table.

    Bytes that are not UTF-8 become surrogates, for the reader of the field to
    notice.

    Args:
        path: Path of the table; its suffix tells the format.
        columns: Names of the columns that are needed; others may be left out.

    Yields:
        `(key, row)`: "path:line" and a dict by column. The row is None if it
        cannot be read.

    Raises:
        InputError: The suffix is not allowed, or a Parquet file is broken.
    """
    name = path.lower()
    if name.endswith(".csv"):
        rows = _read_csv(path, ",")
    elif name.endswith(".tsv"):
        rows = _read_csv(path, "\t")
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


def column_names(path):
    """Returns the names of the columns, from the first row that is good."""
    if path.lower().endswith(".parquet"):
        return _open_parquet(path).schema_arrow.names
    rows = (row for _, row in read_rows(path, None))
    return list(next(filter(None, rows), {}))


def _read_csv(path, delimiter):
    with tf.io.gfile.GFile(path, "rb") as file:
        text = io.TextIOWrapper(
            io.BytesIO(file.read()), "utf-8-sig", "surrogateescape", newline=""
        )
    reader = csv.reader(text, delimiter=delimiter)
    header = None
    while True:
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
            is_odd = any(cells[len(header) :])
            row = None if is_odd else dict(zip(header, cells, strict=False))
            yield reader.line_num, row


def _read_json_lines(path):
    with tf.io.gfile.GFile(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            yield number, row if isinstance(row, dict) else None


def _read_parquet(path, columns):
    table = _open_parquet(path)
    there = [name for name in table.schema_arrow.names if name in columns]
    number = 0
    for batch in table.iter_batches(_BATCH, columns=there):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _open_parquet(path):
    # Arrow is slow to import, and most sources do not need it.
    import pyarrow
    import pyarrow.parquet

    with tf.io.gfile.GFile(path, "rb") as file:
        content = pyarrow.BufferReader(file.read())
    try:
        return pyarrow.parquet.ParquetFile(content)
    except pyarrow.ArrowException as error:
        raise InputError(
            f"'{path}' cannot be read as Parquet ({error}): write it again, "
            "or leave it out."
        ) from None
