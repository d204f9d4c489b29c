"""Members of every kind, whole and broken, from any place of a tar."""

import io
import os
import tarfile
import time

import pytest
from samples import sample_members
from samples import sparse_member
from samples import write_tar

from uniclip_keras.data import BadSamples
from uniclip_keras.data import WebDataset
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import stream as streams
from uniclip_keras.data.sources.stream import BrokenFileError
from uniclip_keras.data.sources.stream import Stream
from uniclip_keras.data.sources.tar_reader import TarReader

EVERYTHING = {"png", "txt", "json"}
END = bytes(2 * tarfile.BLOCKSIZE)


def member(name, content=b"x", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    padding = bytes(-len(content) % tarfile.BLOCKSIZE)
    return info.tobuf(tarfile.GNU_FORMAT) + content + padding


def read_all(path, position=0, wanted=EVERYTHING):
    """Returns samples, the place of each, and whether the tar breaks."""
    samples, places = [], []
    with Stream(path) as stream:
        reader = TarReader(stream, position)
        try:
            while True:
                places.append(reader.position)
                sample = reader.read(wanted)
                if sample is None:
                    return samples, places[:-1], False
                samples.append(sample)
        except BrokenFileError:
            return samples, places[:-1], True


def check_places(path):
    """Reads from every place, and counts without reading; returns all."""
    samples, places, breaks = read_all(path)
    for number, place in enumerate(places):
        assert read_all(path, place)[0] == samples[number:]
    counted, same, breaks_too = read_all(path, wanted=())
    assert [key for key, _ in counted] == [key for key, _ in samples]
    assert (same, breaks_too) == (places, breaks)
    return samples, breaks


@pytest.mark.parametrize("form", ["GNU", "PAX", "USTAR"])
def test_long_names_and_other_headers_belong_to_their_sample(tmp_path, form):
    path = tmp_path / "a.tar"
    names = [
        f"{'long' * (12 if form == 'USTAR' else 50)}/{number}"
        for number in range(5)
    ]
    kind = getattr(tarfile, f"{form}_FORMAT")
    with tarfile.open(path, "w", format=kind) as tar:
        for name in names:
            folder = tarfile.TarInfo(os.path.dirname(name))
            folder.type = tarfile.DIRTYPE
            tar.addfile(folder)
            for suffix in ("png", "txt"):
                info = tarfile.TarInfo(f"{name}.{suffix}")
                info.size = 700
                info.mtime = 0.5 if form == "PAX" else 0
                tar.addfile(info, io.BytesIO(suffix.encode() * 700))
    samples, breaks = check_places(path)
    assert not breaks
    assert [key for key, _ in samples] == names
    for _, members in samples:
        assert members == {"png": b"png" * 233 + b"p", "txt": members["txt"]}


@pytest.mark.parametrize("style", ["old", "0.1", "1.0"])
def test_sparse_members_have_their_zeros(tmp_path, style):
    path = tmp_path / "a.tar"
    path.write_bytes(
        member("a.txt")
        + sparse_member("a.png", b"image" * 200, 3000, style)
        + member("b.txt")
        + END
    )
    samples, breaks = check_places(path)
    image = (b"image" * 200).ljust(3000, b"\0")
    expected = [("a", {"txt": b"x", "png": image}), ("b", {"txt": b"x"})]
    assert samples == expected and not breaks


@pytest.mark.parametrize("style", ["old", "0.1", "1.0"])
def test_members_that_claim_terabytes_take_no_memory(tmp_path, style):
    path = tmp_path / "a.tar"
    huge = sparse_member("bad.png", b"image" * 200, 2**42, style)
    good, caption, more = sample_members("good")
    parts = [member(*good), member(*caption), huge, member("bad.txt")]
    path.write_bytes(b"".join(parts) + END)
    tally = BadSamples()
    started = time.monotonic()
    source = WebDataset(path)
    assert [sample["key"] for sample in source.samples(tally)] == ["good"]
    assert time.monotonic() - started < 5
    assert tally.counts == {bad.OVERSIZE_IMAGE: 1} and source.count() == 2


def test_large_members_are_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "MAX_BYTES", 5000)
    image = sample_members("x")[0][1]
    path = write_tar(
        tmp_path / "a.tar",
        [*sample_members("a"), ("b.png", bytes(5001)), ("b.txt", b"b")]
        + [("c.png", image), ("c.txt", bytes(5001))]
        + [*sample_members("d"), ("d.mp4", bytes(9000))],
    )
    tally = BadSamples()
    source = WebDataset(path)
    assert [sample["key"] for sample in source.samples(tally)] == ["a", "d"]
    assert tally.examples == {
        bad.OVERSIZE_IMAGE: ["b"],
        bad.OVERSIZE_SAMPLE: ["c"],
    }
    problems = [sample["problem"] for sample in source.read(range(4))]
    assert problems == ["", bad.OVERSIZE_IMAGE, bad.OVERSIZE_SAMPLE, ""]


def negative_size():
    header = bytearray(member("back.png", b""))
    header[124:136] = tarfile.itn(-2048, 12, tarfile.GNU_FORMAT)
    header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header[:512]))[0]
    return bytes(header)


@pytest.mark.parametrize(
    "ending",
    [
        b"",
        b"junk" * 300,
        member("b.png", bytes(900))[:1100],
        # More behind the marks of an end.
        END + member("b.txt"),
        negative_size(),
        # Names of two gigabytes, and names of names.
        member("b", type=b"L")[:512].replace(
            b"0" * 10 + b"1", b"1" + b"7" * 10
        ),
        member("b", type=b"L") * 3000,
    ],
)
def test_a_break_ends_the_samples_and_is_no_hang(tmp_path, ending):
    path = tmp_path / "a.tar"
    path.write_bytes(member("a.png") + member("a.txt") + ending)
    samples, breaks = check_places(path)
    assert samples == [("a", {"png": b"x", "txt": b"x"})] and breaks


def test_what_nobody_wants_is_not_read(tmp_path, monkeypatch):
    image = os.urandom(40_000)
    members = [
        (f"{n}.{s}", c)
        for n in range(9)
        for s, c in (("png", image), ("txt", b"x"))
    ]
    source = WebDataset(write_tar(tmp_path / "a.tar", members))
    sizes = []
    read = Stream.read

    def counted(self, size=-1):
        content = read(self, size)
        sizes.append(len(content))
        return content

    monkeypatch.setattr(Stream, "read", counted)
    assert len(list(source.samples(images=False))) == source.count() == 9
    assert sum(sizes) < 2 * len(image)
