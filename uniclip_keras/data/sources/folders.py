"""Folders of images, each with the name of a class."""

import concurrent.futures
import posixpath

import tensorflow as tf

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.image_files import ImageFiles
from uniclip_keras.data.sources.texts import Labels
from uniclip_keras.data.sources.texts import names_from_labels
from uniclip_keras.errors import InputError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp")

# Listing waits for storage, not for the processor.
_THREADS = 8


class Folders(ImageFiles):
    """Labeled images in `path/class_name/.../image.jpg`.

    The label of an image is the first folder below `path`. Files beside the
    class folders and names that begin with a dot are ignored. Images are png,
    jpg, jpeg, webp, gif or bmp. All of their names are kept in memory and
    shuffled together.

    Args:
        path: The folder of the class folders.
        classes: Path of a class list, see `texts.read_classes`, that names
            the folders, such as ImageNet's `n01440764`. None: the names of
            the folders are those of the classes, with underscores read as
            spaces.
        samples: See `Source`.

    Raises:
        InputError: See `Source`.

    Example:

    ```python
    pets = Folders("data/pets/train")
    imagenet = Folders("imagenet/train", classes="imagenet/classes.json")
    ```
    """

    _noun = "folders"

    def __init__(self, path, classes=None, samples=None):
        super().__init__(label_field="folder", classes=classes, samples=samples)
        paths, labels = _list_images(str(path))
        if classes is None:
            self.texts = Labels(names_from_labels(sorted({*labels})))
        columns = {"path": tf.constant(paths), "label": tf.constant(labels)}
        self._open(columns, path)

    def _explain(self, kind, path, raw):
        if kind != bad.MISSING_IMAGE:
            return super()._explain(kind, path, raw)
        return (
            f"None of the first images of '{path}' can be read, beginning "
            f"with '{self._first_path()}': they are empty or may not be "
            "opened; write them again."
        )


def _list_images(root):
    """Returns the paths and the labels of all images, in order."""
    if not tf.io.gfile.isdir(root):
        raise InputError(
            f"The folder '{root}' does not exist: prepare the data there, or "
            "correct the path."
        )
    labels = [name for name in _entries(root) if not _is_image(name)]
    with concurrent.futures.ThreadPoolExecutor(_THREADS) as pool:
        paths_by_label = pool.map(
            lambda label: list(_images(posixpath.join(root, label))), labels
        )
        found = [
            (path, label)
            for label, paths in zip(labels, paths_by_label, strict=True)
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
