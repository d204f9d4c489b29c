"""WebDataset tars, in the layout that img2dataset writes."""

import contextlib
import json
import posixpath
import tarfile

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import files
from uniclip_keras.data.sources import raw
from uniclip_keras.data.sources.source import Source
from uniclip_keras.data.sources.texts import BadSampleError

IMAGE_SUFFIXES = ("png", "jpg", "jpeg", "webp", "gif")


class WebDataset(Source):
    """Tars whose members `key.png`, `key.txt` and `key.json` are one sample.

    A field is the suffix of a member, such as `txt`, or else a field of the
    `.json` member, where captions are a string or a list of strings. Images
    are png, jpg, jpeg, webp or gif. Python reads the tars, because no
    TensorFlow operation does.

    Args:
        path: A path or a list of paths. Each may be a folder (all of its
            tars), and may hold globs and braces: `train-{00000..00012}.tar`.
        caption_field: Defaults to "txt".
        label_field: Defaults to "cls" if there are `classes`.
        id_field, classes, samples: See `Source`.

    Example:

    ```python
    pairs = WebDataset("data/emoji/train-*.tar", caption_field="captions",
                       id_field="id")
    labeled = WebDataset("data/emoji/train-*.tar", label_field="subgroup",
                         classes="data/emoji/subgroups.json")
    ```
    """

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
        samples=None,
    ):
        super().__init__(caption_field, id_field, label_field, classes, samples)
        self.files = files.find_files(path, ".tar")
        self._units = tf.data.Dataset.from_tensor_slices(self.files)
        self._check(self.files)

    def _read(self, units, shuffle, bad_samples):
        def read_samples(path):
            return self._raw_samples(path.decode(), bad_samples)

        return raw.interleave_files(
            units,
            lambda path: raw.chunks_from_python(read_samples, path),
            shuffle,
        )

    def _count_samples(self):
        return files.count_samples(self.files, count_tar_samples)

    def _raw_samples(self, path, bad_samples):
        """Yields the raw samples of one tar, up to where it breaks."""
        suffixes = {"json"}.union(*self._fields.values())
        try:
            for key, members in read_tar(path, suffixes):
                yield self._raw_sample(key, members)
        except files.READ_ERRORS:
            bad_samples.record(bad.TRUNCATED_FILE, path)

    def _raw_sample(self, key, members):
        sample = dict.fromkeys(raw.COLUMNS, b"")
        sample["key"] = key.encode("utf-8", "replace")
        try:
            for column, names in self._fields.items():
                sample[column] = _find_field(members, names, column)
        except BadSampleError as error:
            sample["problem"] = error.kind.encode()
        return sample

    def _field_names(self, path):
        _, members = next(read_tar(path))
        names = [f".{suffix}" for suffix in members]
        try:
            return [*names, *_read_json(members)]
        except BadSampleError:
            return names

    def _explain(self, kind, path, raw):
        if kind != bad.MISSING_IMAGE:
            return super()._explain(kind, path, raw)
        return (
            f"The tar '{path}' has no images; the fields of its samples are "
            f"{', '.join(sorted(self._field_names(path)))}: each sample needs "
            f"a member that is {', '.join(IMAGE_SUFFIXES)}."
        )


def _find_field(members, names, column):
    """Returns the bytes of a member, or else of a field of the JSON."""
    content = next((members[name] for name in names if name in members), None)
    if content is None and column == "image":
        raise BadSampleError(bad.MISSING_IMAGE)
    if content is None:
        return raw.encode_value(_read_json(members).get(names[0]), column)
    # A caption in a member may be wrapped; its lines are one caption.
    return b" ".join(content.split()) if column == "text" else content


def _read_json(members):
    try:
        fields = json.loads(members.get("json", b"{}"))
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise BadSampleError(bad.UNREADABLE_METADATA)
    return fields


class _StrictTarInfo(tarfile.TarInfo):
    """Tells the end of a tar from a break in it; tarfile ignores breaks."""

    @classmethod
    def fromtarfile(cls, tar):
        try:
            return super().fromtarfile(tar)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.HeaderError as error:
            raise tarfile.ReadError("unexpected end of tar") from error


def read_tar(path, suffixes=None):
    """Yields `(key, {suffix: bytes})` for each run of members with one key.

    Members whose suffix is not in `suffixes` have None in place of bytes;
    `suffixes=None` reads all. Where the tar breaks, it raises one of
    `READ_ERRORS`, after all samples before the break.
    """
    key, members = None, {}
    try:
        for member_key, suffix, content in _read_members(path, suffixes):
            if member_key != key:
                if members:
                    yield key, members
                key, members = member_key, {}
            members[suffix] = content
    except files.READ_ERRORS:
        # The sample before the break may be complete.
        if members:
            yield key, members
        raise
    if members:
        yield key, members


def _read_members(path, suffixes):
    with (
        tf.io.gfile.GFile(path, "rb") as file,
        tarfile.open(fileobj=file, mode="r", tarinfo=_StrictTarInfo) as tar,
    ):
        for member in tar:
            # tarfile keeps every member for lookups, which would add up.
            tar.members = []
            if not member.isfile():
                continue
            folder, name = posixpath.split(member.name)
            stem, _, suffix = name.partition(".")
            suffix = suffix.lower()
            content = None
            if suffixes is None or suffix in suffixes:
                content = tar.extractfile(member).read()
                if len(content) != member.size:
                    raise tarfile.ReadError("unexpected end of data")
            yield posixpath.join(folder, stem), suffix, content


def count_tar_samples(path):
    """Counts the samples of one tar from its headers, including bad ones."""
    count = 0
    with contextlib.suppress(*files.READ_ERRORS):
        for _ in read_tar(path, suffixes=()):
            count += 1
    return count
