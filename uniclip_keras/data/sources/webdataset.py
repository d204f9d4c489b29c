"""WebDataset tars, the layout that img2dataset writes."""

import json

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import tar_files
from uniclip_keras.data.sources.chunks import from_python
from uniclip_keras.data.sources.chunks import interleave_files
from uniclip_keras.data.sources.counts import count_files
from uniclip_keras.data.sources.missing import MISSING
from uniclip_keras.data.sources.missing import explain_missing
from uniclip_keras.data.sources.paths import find_files
from uniclip_keras.data.sources.source import Source
from uniclip_keras.data.sources.texts import BadSampleError
from uniclip_keras.data.sources.texts import join_lines


class WebDataset(Source):
    """Tars of `key.png`, `key.txt`, `key.json`, as img2dataset writes them.

    A field is a member of the sample, such as `txt`, or else a field of its
    `.json`. Captions are a string or a list of them; image members are png,
    jpg, jpeg, webp or gif. No TensorFlow operation reads tars, so that Python
    does, a chunk of samples at a time.

    Args:
        path: A path, or a list of paths; each may be a folder (all its
            tars), and may hold globs and braces: `train-{00000..00012}.tar`.
        caption_field: "txt" by default.
        label_field: "cls" by default where there are `classes`.
        id_field, id_space, classes, samples: See `Source`.

    Raises:
        InputError: See `Source`.

    Example:

    ```python
    pairs = WebDataset("data/emoji/train-*.tar", caption_field="captions",
                       id_field="id")
    labelled = WebDataset("data/emoji/train-*.tar", label_field="subgroup",
                          classes="data/emoji/subgroups.json")
    ```
    """

    def __init__(
        self,
        path,
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
        self.files = find_files(path, ".tar")
        self._fields = {
            "id": self.id_field,
            "text": None if self.texts.is_name else caption_field or "txt",
            "label": (label_field or "cls") if self.texts.is_name else None,
        }
        self._check("tars", self.files)

    def _units(self):
        return self.files

    def _read(self, units, shuffle, bad_samples):
        def records(path):
            return self._records(path.decode(), bad_samples)

        return interleave_files(
            units, lambda path: from_python(records, path), shuffle
        )

    def _count_samples(self):
        return count_files(self.files, tar_files.count_samples)

    def _records(self, path, bad_samples):
        """Raw samples of one tar, up to where it breaks."""
        try:
            for key, members in tar_files.read_members(path, self._wanted):
                yield self._record(key, members)
        except tar_files.TAR_ERRORS:
            if bad_samples is not None:
                bad_samples.record(bad.TRUNCATED_FILE, path)

    def _wanted(self, suffix):
        fields = self._fields.values()
        return suffix in (*tar_files.IMAGE_SUFFIXES, "json", *fields)

    def _record(self, key, members):
        record = {
            name: b"" for name in ("image", "text", "id", "label", "problem")
        }
        try:
            record["image"] = _find_image(members)
            for column, field in self._fields.items():
                if field is not None:
                    record[column] = _field(members, field, column)
        except BadSampleError as error:
            record["problem"] = error.kind.encode()
        return {**record, "key": key.encode("utf-8", "replace")}

    def _explain(self, kind, path):
        _, members = next(tar_files.read_members(path), (None, {}))
        suffixes = ", ".join(f".{suffix}" for suffix in sorted(members))
        if not members:
            return (
                f"The tar '{path}' is empty: write it again, or leave it out."
            )
        if kind == bad.MISSING_IMAGE:
            allowed = ", ".join(f".{s}" for s in tar_files.IMAGE_SUFFIXES)
            return (
                f"The tar '{path}' has no images, its samples hold "
                f"{suffixes}: each needs one of {allowed}."
            )
        if kind not in MISSING.values():
            return None
        fields = {column: (field,) for column, field in self._fields.items()}
        there = [*(f".{suffix}" for suffix in members), *_read_json(members)]
        return explain_missing(kind, path, fields, there)


def _find_image(members):
    for suffix in tar_files.IMAGE_SUFFIXES:
        if suffix in members:
            return members[suffix]
    raise BadSampleError(bad.MISSING_IMAGE)


def _field(members, name, column):
    """The bytes of a field, a member or else a field of the JSON."""
    if name in members:
        content = members[name]
        # A line of a member is no caption of its own: prose may be broken.
        return b" ".join(content.split()) if column == "text" else content
    value = _read_json(members).get(name)
    if value is None:
        raise BadSampleError(MISSING[column])
    if column == "text" and isinstance(value, list):
        return join_lines(value).encode("utf-8", "replace")
    if isinstance(value, bool) or not isinstance(value, str | int):
        kind = bad.UNREADABLE_TEXT if column == "text" else MISSING[column]
        raise BadSampleError(kind)
    return join_lines([value]).encode("utf-8", "replace")


def _read_json(members):
    try:
        fields = json.loads(members.get("json", b"{}"))
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise BadSampleError(bad.UNREADABLE_METADATA)
    return fields
