"""Samples in files of many: where each is, and readers that stay open."""

import collections
import itertools
import threading

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import index as indices
from uniclip_keras.data.sources.layout import Layout
from uniclip_keras.data.sources.source import Source
from uniclip_keras.data.sources.stream import BrokenFileError
from uniclip_keras.data.sources.stream import Stream

# Readers that stay open, each with a buffer of half a megabyte.
_OPEN_READERS = 32


class FileSource(Source):
    """Base class of sources with many samples in each file.

    Subclasses make readers, which have a `position`, `is_packed`, the `stream`
    of the file and a method `read(wanted)`; and they interpret what these read.
    """

    # Part of the name under which an index is kept.
    _format = None

    def _open(self, parts):
        """Sets what to read, a list of `Part`, and checks the first sample."""
        self._parts = parts
        self._paths = list(dict.fromkeys(part.path for part in parts))
        self._layout = None
        self._lock = threading.Lock()
        self._readers = _Readers(
            lambda file, position: self._make_reader(
                Stream(self._paths[file]), position
            )
        )
        self._check(
            (part.path, self._pass_over(part, images=True)) for part in parts
        )

    def prepare(self, folder=None, share=None):
        """Makes the index of the files, or takes the one that was kept.

        Without this, `count`, `chunks` and `read` do it when first called.

        Args:
            folder: A folder that keeps the index too, local or remote, such
                as that of the run. None: only the cache in the home folder.
            share: Function that calls a function without arguments on one
                process, the chief, and returns its bytes on all of them.
                None: this process is the only one.
        """

        def make_bytes():
            return indices.load_index(
                self._paths,
                self._format,
                lambda path: self._make_reader(Stream(path)),
                folder,
            )

        content = make_bytes() if share is None else share(make_bytes)
        self._layout = Layout(
            self._paths, self._parts, indices.read_index(content)
        )

    def count(self):
        return int(self._prepared.starts[-1])

    def chunks(self):
        return self._prepared.borders

    def lost(self, number):
        return self._prepared.lost.get(int(number), 0)

    @property
    def _prepared(self):
        with self._lock:
            if self._layout is None:
                self.prepare()
            return self._layout

    def _make_reader(self, stream, position=0):
        """Returns a reader of a file that begins at a position."""
        raise NotImplementedError

    def _wanted(self, images):
        """Returns what readers are to read of samples."""
        raise NotImplementedError

    def _raw_sample(self, part, number, content):
        """Returns the raw sample in what a reader read, see `raw`."""
        raise NotImplementedError

    def _read_raw(self, numbers):
        layout = self._prepared
        found = {}
        # In order, readers go on where they are.
        for number in sorted({int(number) for number in numbers}):
            part = layout.find_part(number)
            found[number] = self._read_one(
                layout, part, number - layout.starts[part]
            )
        return [found[int(number)] for number in numbers]

    def _read_one(self, layout, part, number):
        file, part = layout.files[part], self._parts[part]
        number = int(number) + part.skip
        try:
            reader = self._readers.take(layout.index, file, number)
            content = reader.read(self._wanted(images=True))
        except BrokenFileError:
            content = None
        if content is None:
            # The file has changed since its samples were counted.
            return {
                "key": f"{part.name}:{number}".encode("utf-8", "replace"),
                "problem": bad.TRUNCATED_FILE,
            }
        self._readers.give_back(file, number + 1, reader)
        return self._raw_sample(part, number, content)

    def _raw_pass(self, images):
        for part in self._parts:
            try:
                yield from self._pass_over(part, images)
            except BrokenFileError:
                yield None

    def _pass_over(self, part, images):
        """Yields the raw samples of a part; raises `BrokenFileError`."""
        with Stream(part.path) as stream:
            reader = self._make_reader(stream)
            for number in itertools.count():
                if part.take is not None and number >= part.skip + part.take:
                    return
                is_skipped = number < part.skip
                wanted = () if is_skipped else self._wanted(images)
                content = reader.read(wanted)
                if content is None and part.take is not None:
                    raise BrokenFileError("fewer samples than are known of")
                if content is None:
                    return
                if not is_skipped:
                    sample = self._raw_sample(part, number, content)
                    yield sample if images else {**sample, "image": b""}

    def _losses(self):
        return self._prepared.losses


class _Readers:
    """Readers of files, kept open for whoever goes on where they are.

    Args:
        open_reader: Function of the index of a file and a position.
    """

    def __init__(self, open_reader):
        self._open_reader = open_reader
        self._lock = threading.Lock()
        # `(file, number of the next sample)` -> reader, the oldest first.
        self._waiting = collections.OrderedDict()

    def take(self, index, file, number):
        """Returns a reader that reads the sample `number` of a file next."""
        first = number // indices.STEP * indices.STEP
        with self._lock:
            # Compressed files can be read in order only.
            nearest = 0 if index.packed[file] else first
            at = max(
                (
                    at
                    for other, at in self._waiting
                    if other == file and nearest <= at <= number
                ),
                default=None,
            )
            reader = self._waiting.pop((file, at), None)
        if reader is None:
            at = first
            position = index.place(file, first // indices.STEP)
            reader = self._open_reader(file, position)
        for _ in range(at, number):
            if reader.read() is None:
                raise BrokenFileError("fewer samples than were counted")
        return reader

    def give_back(self, file, number, reader):
        """Keeps a reader whose next sample is `number`."""
        with self._lock:
            replaced = self._waiting.pop((file, number), None)
            self._waiting[file, number] = reader
            if replaced is None and len(self._waiting) > _OPEN_READERS:
                _, replaced = self._waiting.popitem(last=False)
        if replaced is not None:
            replaced.stream.close()
