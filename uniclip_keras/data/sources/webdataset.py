"""WebDataset tars, in the layout that img2dataset writes."""

import json

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import files
from uniclip_keras.data.sources import raw
from uniclip_keras.data.sources.file_source import FileSource
from uniclip_keras.data.sources.layout import Part
from uniclip_keras.data.sources.stream import Stream
from uniclip_keras.data.sources.tar_reader import TarReader
from uniclip_keras.data.sources.texts import BadSampleError

IMAGE_SUFFIXES = ("png", "jpg", "jpeg", "webp", "gif")


class WebDataset(FileSource):
    """Tars whose members `key.png`, `key.txt` and `key.json` are one sample.

    A field is the suffix of a member, such as `txt`, or else a field of the
    `.json` member, where captions are a string or a list of strings. Images
    are png, jpg, jpeg, webp or gif. Tars may be compressed; those are read
    whole.

    Args:
        path: A path or a list of paths. Each may be a folder (all of its
            tars), and may hold globs and braces: `train-{00000..00012}.tar`.
        caption_field: Defaults to "txt".
        label_field: Defaults to "cls" if there are `classes`.
        id_field, classes, group_field: See `Source`.

    Example:

    ```python
    pairs = WebDataset("data/emoji/train-*.tar", caption_field="captions",
                       id_field="id")
    labeled = WebDataset("data/emoji/train-*.tar", label_field="subgroup",
                         classes="data/emoji/subgroups.json")
    ```
    """

    _format = "tar"
    _default_fields = {
        "image": IMAGE_SUFFIXES,
        "text": ("txt",),
        "label": ("cls",),
    }

    def __init__(
        self,
        path,
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
            group_field=group_field,
        )
        self.files = files.find_files(path, ".tar")
        self._open([Part(path, path) for path in self.files])

    def _make_reader(self, stream, position=0):
        return TarReader(stream, position)

    def _wanted(self, images):
        columns = [name for name in self._fields if images or name != "image"]
        return {"json"}.union(*(self._fields[name] for name in columns))

    def _raw_sample(self, part, number, content):
        key, members = content
        sample = {"key": key.encode("utf-8", "replace")}
        try:
            for column, names in self._fields.items():
                sample[column] = _find_field(members, names, column)
        except BadSampleError as error:
            sample["problem"] = error.kind
        return sample

    def _field_names(self, path):
        with Stream(path) as stream:
            _, members = TarReader(stream).read({"json"})
        names = [f".{suffix}" for suffix in members]
        try:
            return [*names, *_read_json(members)]
        except BadSampleError:
            return names

    def _explain(self, kind, path, seen):
        if kind != bad.MISSING_IMAGE:
            return super()._explain(kind, path, seen)
        return (
            f"The tar '{path}' has no images; the fields of its samples are "
            f"{', '.join(sorted(self._field_names(path)))}: each sample needs "
            f"a member that is {', '.join(IMAGE_SUFFIXES)}."
        )


def _find_field(members, names, column):
    """Returns the bytes of a member, or else of a field of the JSON."""
    name = next((name for name in names if name in members), None)
    if name is None and column == "image":
        raise BadSampleError(bad.MISSING_IMAGE)
    if name is None:
        return raw.encode_value(_read_json(members).get(names[0]), column)
    try:
        content = _read_member(members, name)
    except BadSampleError as error:
        if (column, error.kind) == ("image", bad.OVERSIZE_SAMPLE):
            raise BadSampleError(bad.OVERSIZE_IMAGE) from None
        raise
    # A caption in a member may be wrapped; its lines are one caption.
    return b" ".join(content.split()) if column == "text" else content


def _read_member(members, name):
    content = members[name]
    if isinstance(content, str):
        raise BadSampleError(content)
    # Images that are not read.
    return content or b""


def _read_json(members):
    fields = {}
    if "json" in members:
        try:
            fields = json.loads(_read_member(members, "json"))
        except (ValueError, RecursionError):
            fields = None
    if not isinstance(fields, dict):
        raise BadSampleError(bad.UNREADABLE_METADATA)
    return fields
