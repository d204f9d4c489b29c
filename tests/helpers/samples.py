"""Encoded images, and tars of samples, for tests to write and read."""

import io
import json
import tarfile

import numpy as np


def encode(pixels, image_format="PNG", mode="RGB", **options):
    """Encodes uint8 `[H, W, 3 or 4]` after converting it to `mode`."""
    # An extra of the package, which not everyone who writes tars has.
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, image_format, **options)
    return file.getvalue()


def smooth_pixels(seed, size=24, channels=3):
    """An image of flat squares, uint8 `[size, size, channels]`."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, [size // 4, size // 4, channels])
    return np.kron(coarse, np.ones([4, 4, 1])).astype(np.uint8)


def write_tar(path, members):
    """Writes `[(name, bytes or JSON value)]` as a tar; returns its path."""
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            if not isinstance(content, bytes):
                content = json.dumps(content).encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return str(path)


def sample_members(key, number=0, captions=("red heart", "rotes herz")):
    """The members of a good sample: image, caption, id and captions."""
    return [
        (f"{key}.png", encode(smooth_pixels(number))),
        (f"{key}.txt", captions[0].encode()),
        (f"{key}.json", {"id": number, "captions": list(captions)}),
    ]


def sparse_member(name, content, size, style="old"):
    """A GNU sparse member: bytes, and zeros up to `size` that take no place.

    Args:
        style: "old" for a header of type S, "0.1" or "1.0" for PAX headers.
    """
    info = tarfile.TarInfo(name)
    info.size = len(content)
    padding = bytes(-len(content) % tarfile.BLOCKSIZE)
    pieces = [(0, len(content)), (size, 0)]
    if style == "old":
        info.type = tarfile.GNUTYPE_SPARSE
        header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
        numbers = b"".join(
            tarfile.itn(number, 12, tarfile.GNU_FORMAT)
            for piece in pieces
            for number in piece
        )
        header[386 : 386 + len(numbers)] = numbers
        header[483:495] = tarfile.itn(size, 12, tarfile.GNU_FORMAT)
        header[148:156] = b"%06o\0 " % tarfile.calc_chksums(bytes(header))[0]
        return bytes(header) + content + padding
    numbers = [number for piece in pieces for number in piece]
    if style == "0.1":
        info.pax_headers = {
            "GNU.sparse.map": ",".join(map(str, numbers)),
            "GNU.sparse.size": str(size),
        }
        blocks = b""
    else:
        info.pax_headers = {
            "GNU.sparse.major": "1",
            "GNU.sparse.minor": "0",
            "GNU.sparse.name": name,
            "GNU.sparse.realsize": str(size),
        }
        lines = "".join(f"{number}\n" for number in [len(pieces), *numbers])
        blocks = lines.encode().ljust(tarfile.BLOCKSIZE, b"\0")
        info.size += len(blocks)
    header = info.tobuf(tarfile.PAX_FORMAT)
    return header + blocks + content + padding
