"""Rows of tables as dicts: CSV, TSV, JSON lines and Parquet.

A table is small beside the images that it names, so plain Python reads it,
once; paths go through `tf.io.gfile`.
"""

import csv
import io
import json

import tensorflow as tf

from uniclip_keras.errors import InputError

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")

# Rows of Parquet that are turned into Python objects together.
_BATCH = 10_000


def read_rows(path, wanted):
    """The rows of one table.

    Text that is no UTF-8 is kept as it is, by surrogates, for whoever reads
    that field to notice.

    Args:
        path: The table; the end of its name says what it is.
        wanted: Names of the columns that matter; others may be left out.

    Yields:
        `(place, row)`: "path:number", and a dict by column; None in the place
        of a row that cannot be read.

    Raises:
        InputError: It is none of these formats, or broken Parquet.
    """
    name = path.lower()
    if name.endswith(".csv"):
        rows = _read_csv(path, ",")
    elif name.endswith(".tsv"):
        rows = _read_csv(path, "\t")
    elif name.endswith(".jsonl"):
        rows = _read_json_lines(path)
    elif name.endswith(".parquet"):
        rows = _read_parquet(path, wanted)
    else:
        raise InputError(
            f"'{path}' is no table: allowed are {', '.join(SUFFIXES)}."
        )
    for number, row in rows:
        yield f"{path}:{number}", row


def column_names(path):
    """Names of the columns, for messages: those of the first good row."""
    if path.lower().endswith(".parquet"):
        return _parquet(path).schema_arrow.names
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
            # Such as a quote that nothing closes; the reader goes on behind.
            yield reader.line_num, None
            continue
        if cells is None:
            return
        if header is None:
            header = cells
        elif cells:
            # More cells than columns: which are which is anyone's guess.
            odd = any(cells[len(header) :])
            row = None if odd else dict(zip(header, cells, strict=False))
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


def _read_parquet(path, wanted):
    table = _parquet(path)
    columns = [name for name in table.schema_arrow.names if name in wanted]
    number = 0
    for batch in table.iter_batches(_BATCH, columns=columns):
        for row in batch.to_pylist():
            number += 1
            yield number, row


def _parquet(path):
    # Slow to import, and most sources do without.
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
