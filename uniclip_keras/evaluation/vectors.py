"""Rows of features: checks, unit length, blocks."""

import numpy as np

from uniclip_keras.errors import InputError

# 16 MiB of float32 similarities at a time.
BLOCK_ELEMENTS = 2**22


def finite_rows(vectors, name):
    """Returns float32 `[n, dim]`; `name` says in an error what the rows are.

    Refuses NaN: every comparison with it is false, so that a model that has
    diverged would rank first.
    """
    vectors = np.asarray(vectors, np.float32)
    if vectors.ndim != 2 or not vectors.size:
        raise InputError(
            f"The {name} have shape {vectors.shape}; give [n, dim] with at "
            "least one row."
        )
    # A sum of squares is NaN or infinite if one of them is.
    broken = int((~np.isfinite(_squares(vectors))).sum())
    if broken:
        raise InputError(
            f"{broken} of {len(vectors)} {name} hold NaN or infinity; evaluate "
            "an earlier checkpoint, or train with a lower learning rate."
        )
    return vectors


def unit_rows(vectors, name):
    """Scales rows to unit length in float32; a zero row stays zero."""
    vectors = finite_rows(vectors, name)
    length = np.sqrt(_squares(vectors))[:, None].astype(np.float32)
    return vectors / np.where(length > 0, length, 1)


def check_labels(labels, vectors, name):
    """Returns labels as an array `[n]`, one for each row of `vectors`."""
    labels = np.asarray(labels)
    if labels.shape != (len(vectors),):
        raise InputError(
            f"There are {len(vectors)} {name} and {_counted(labels)} labels "
            "for them; give one label for each."
        )
    return labels


def same_dim(first, first_name, second, second_name):
    """Refuses rows of two arrays that differ in their number of columns."""
    if first.shape[1] != second.shape[1]:
        raise InputError(
            f"The {first_name} have {first.shape[1]} dimensions and the "
            f"{second_name} {second.shape[1]}; embed both with one model."
        )


def blocks(rows, columns, elements=BLOCK_ELEMENTS):
    """Splits `rows` into slices of about `elements` entries each."""
    step = max(1, elements // columns)
    return [slice(i, min(i + step, rows)) for i in range(0, rows, step)]


def _squares(vectors):
    # In float64, which no float32 can overflow.
    return np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64)


def _counted(labels):
    return len(labels) if labels.ndim == 1 else f"an array {labels.shape} of"
