"""Folders of images, each with the name of a class."""

import concurrent.futures
import itertools
import os
import posixpath

import tensorflow as tf

from uniclip_keras.data.sources import files
from uniclip_keras.data.sources import texts
from uniclip_keras.data.sources.image_files import ImageFiles
from uniclip_keras.data.sources.image_files import Strings
from uniclip_keras.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")


class Folders(ImageFiles):
    """Labeled images in `path/class_name/.../image.jpg`.

    The label of an image is the first folder below `path`. Files beside the
    class folders and names that begin with a dot are ignored. Images are png,
    jpg, jpeg, webp, gif or bmp. Their names are kept in memory.

    Args:
        path: The folder of the class folders.
        classes: Path of a class list, see `texts.read_classes`, for folders
            such as ImageNet's `n01440764`. None: folders have the names of
            their classes, with underscores for spaces.

    Example:

    ```python
    pets = Folders("data/pets/train")
    imagenet = Folders("imagenet/train", classes="imagenet/classes.json")
    ```
    """

    _advice = "write them again, or make them readable"

    def __init__(self, path, classes=None):
        super().__init__(label_field="folder", classes=classes)
        paths, labels = _list_images(str(path))
        if classes is None:
            self.texts = texts.Labels(
                texts.names_from_labels(sorted({*labels}))
            )
        columns = {"path": paths, "label": labels}
        self._open(
            {
                name: Strings(map(os.fsencode, values))
                for name, values in columns.items()
            },
            path,
        )


def _list_images(root):
    """Returns the paths and the labels of all images, in order."""
    files.require_folder(root)
    labels = [name for name in _entries(root) if not _is_image(name)]

    def list_label(label):
        return [(path, label) for path in _images(posixpath.join(root, label))]

    with concurrent.futures.ThreadPoolExecutor(files.THREADS) as pool:
        found = [*itertools.chain.from_iterable(pool.map(list_label, labels))]
    if not found:
        raise InputError(
            f"The folder '{root}' has no class folders with images: put them "
            f"into {posixpath.join(root, 'class_name', 'image.jpg')}; allowed "
            f"are {', '.join(IMAGE_SUFFIXES)}."
        )
    return zip(*found, strict=True)


def _images(folder):
    # Asking whether a name is a folder takes most of the time for a million
    # files, so names of images are not asked.
    if not tf.io.gfile.isdir(folder):
        return
    for name in _entries(folder):
        path = posixpath.join(folder, name)
        if _is_image(name):
            yield path
        else:
            yield from _images(path)


def _entries(folder):
    # Object stores end the names of folders with a slash.
    names = (name.rstrip("/") for name in tf.io.gfile.listdir(folder))
    return sorted(name for name in names if name and name[0] != ".")


def _is_image(name):
    return name.lower().endswith(IMAGE_SUFFIXES)
