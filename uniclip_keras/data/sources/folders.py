"""Folders of images, each named after the class of what is in it."""

import concurrent.futures
import posixpath

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.image_files import ImageFiles
from uniclip_keras.data.sources.texts import Labels
from uniclip_keras.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")

# Listing waits for the storage, not for the processor.
_THREADS = 8

# Images to try before giving up.
_FIRST_IMAGES = 1000


class Folders(ImageFiles):
    """Labelled images in `path/class_name/.../image.jpg`.

    The label is the first folder below `path`. Files beside the class
    folders, and names that begin with a dot, are not looked at. Images are
    png, jpg, jpeg, webp, gif or bmp; all of their names are kept in memory
    and shuffled together.

    Args:
        path: The folder of the class folders.
        classes: Path of a class list by folder, see `read_classes`, such as
            one that gives names to ImageNet's `n01440764`. None: a folder's
            name is its class's, once underscores have become spaces.
        samples: See `Source`.

    Raises:
        InputError: See `Source`.

    Example:

    ```python
    pets = Folders("data/pets/train")
    imagenet = Folders("imagenet/train", classes="imagenet/classes.json")
    ```
    """

    def __init__(self, path, classes=None, samples=None):
        super().__init__(label_field="folder", classes=classes, samples=samples)
        paths, labels = _list_images(path)
        if classes is None:
            self.texts = Labels(
                {name: (name.replace("_", " "),) for name in sorted({*labels})}
            )
        self._columns = {
            "path": tf.constant(paths),
            "label": tf.constant(labels),
        }
        self._check("folders", [path], _FIRST_IMAGES)

    def _explain(self, kind, path):
        if kind == bad.MISSING_IMAGE:
            first = self._columns["path"][0].numpy().decode()
            return (
                f"None of the first images of '{path}' can be read, beginning "
                f"with '{first}': they are empty, or may not be opened; write "
                "them again."
            )
        return None


def _list_images(root):
    """`(paths, labels)` of all images, in order."""
    root = str(root)
    if not tf.io.gfile.isdir(root):
        raise InputError(
            f"The folder '{root}' does not exist: prepare the data there, or "
            "correct the path."
        )
    entries = [name for name in _entries(root) if not _is_image(name)]
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        classes = pool.map(
            lambda name: list(_images(posixpath.join(root, name))), entries
        )
        found = [
            (path, label)
            for label, paths in zip(entries, classes, strict=True)
            for path in paths
        ]
    if not found:
        raise InputError(
            f"The folder '{root}' has no class folders with images: put them "
            f"into {posixpath.join(root, 'class_name', 'image.jpg')}; allowed "
            f"are {', '.join(IMAGE_SUFFIXES)}."
        )
    return tuple(zip(*found, strict=True))


def _images(folder):
    # Only what has no image's name is asked whether it is a folder: for a
    # million files that is most of the time.
    if not tf.io.gfile.isdir(folder):
        return
    for name in _entries(folder):
        path = posixpath.join(folder, name)
        if _is_image(name):
            yield path
        else:
            yield from _images(path)


def _entries(folder):
    # Object stores give folders a slash at the end.
    names = (name.rstrip("/") for name in tf.io.gfile.listdir(folder))
    return sorted(name for name in names if name and name[0] != ".")


def _is_image(name):
    return name.lower().endswith(IMAGE_SUFFIXES)
