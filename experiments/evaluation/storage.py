"""Embeddings and scores of a task, in a file each."""

import io
import zipfile

import numpy as np

from experiments.run import files
from uniclip_keras import evaluation
from uniclip_keras.errors import InputError

FOLDER = "evaluation"


def read(folder, task):
    """Returns the arrays of a task by name; none if there is no whole file."""
    content = files.read_bytes(_path(folder, task, "npz"))
    try:
        with np.load(io.BytesIO(content or b""), allow_pickle=False) as found:
            return dict(found)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return {}


def write(folder, task, arrays, compressed=False):
    """Writes the arrays of a task, `{name: array}`, without pickles."""
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    files.write_bytes(_path(folder, task, "npz"), file.getvalue())


def write_parquet(folder, task, images):
    """Writes a table of `evaluation.EmbeddedImages` for other programs.

    Raises:
        InputError: If pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputError(
            "--embeddings=parquet needs the package pyarrow: install the "
            "extra parquet, or leave the flag out."
        ) from None
    columns = {"key": images.keys, "label": images.labels}
    columns |= {"group": images.groups, "embedding": images.embeddings}
    if images.features is not None:
        columns["feature"] = images.features
    table = pyarrow.table(
        {
            name: pyarrow.FixedSizeListArray.from_arrays(
                column.ravel(), column.shape[1]
            )
            if column.ndim == 2
            else pyarrow.array(column.tolist())
            for name, column in columns.items()
        }
    )
    sink = pyarrow.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink)
    path = _path(folder, task, "parquet")
    files.write_bytes(path, sink.getvalue().to_pybytes())


def pack_scores(way, items, scores):
    """Returns the arrays of the scores of one way to ask.

    Args:
        way: str. "zero_shot", "image_to_text" or "text_to_image".
        items: Strings `[n]` that name the items in any evaluation of the set.
        scores: Dict metric -> `evaluation.Scores` of these items.
    """
    arrays = {f"scores/{way}/items": np.asarray(items)}
    for metric, score in scores.items():
        parts = {"statistic": score.statistic}
        parts |= {"values": score.values, "classes": score.classes}
        for part, value in parts.items():
            if value is not None:
                arrays[f"scores/{way}/{metric}/{part}"] = np.asarray(value)
        # All metrics of a way have the same groups.
        if score.groups is not None:
            arrays[f"scores/{way}/groups"] = np.asarray(score.groups)
    return arrays


def read_scores(folder, task):
    """Returns `{way: (items, {metric: Scores})}` of an evaluated task."""
    arrays = {
        tuple(name.split("/")[1:]): value
        for name, value in read(folder, task).items()
        if name.startswith("scores/")
    }
    found = {}
    for way, *rest in arrays:
        items, metrics = found.setdefault(way, (arrays[way, "items"], {}))
        if rest[-1] == "values":
            metric = rest[0]
            metrics[metric] = evaluation.Scores(
                arrays[way, metric, "values"],
                str(arrays[way, metric, "statistic"]),
                arrays.get((way, metric, "classes")),
                arrays.get((way, "groups")),
            )
    return found


def _path(folder, task, suffix):
    return files.join(folder, f"{FOLDER}/{task}.{suffix}")
