"""A map of the shared space: images and texts of a task in two dimensions."""

import dataclasses

import numpy as np
import tensorflow as tf

from experiments.evaluation import storage
from experiments.report.page import png
from experiments.report.page import to_pixels
from experiments.run import files
from experiments.run.data import build_part
from experiments.run.tasks import source_options
from experiments.run.workdir import INDEX
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

# More points would hide each other, and their drawings fill the page.
MAX_IMAGES = 160
PICTURE_SIZE = 72
# The map in units of its drawing.
WIDTH, HEIGHT, MARGIN = 660, 560, 16
SEED = 0


@dataclasses.dataclass(frozen=True)
class Map:
    """A task of a run as points in two dimensions.

    Attributes:
        run, title, algorithm: str.
        width, height: int. Of the drawing.
        points: List of dicts of "x", "y", "kind" ("image" or "text"), "name"
            (the text, or the first one of the image's label), "picture" (a data
            URI; empty for a text, or where the image cannot be read) and
            "partners": `(index, cosine)` of the points of the other kind that
            have the same label.
        notes: List of sentences.
    """

    run: str
    title: str
    algorithm: str
    points: list
    notes: list
    width: int = WIDTH
    height: int = HEIGHT


def make_map(run, task=None):
    """Maps a sample of the images of a task, and their texts.

    Args:
        run: A `Run`.
        task: str. Name of a task of retrieval or zero-shot classification; by
            default the one that the report leads with, or the first.

    Returns:
        A `Map`, or None if no embeddings are kept or there is no such task.

    Raises:
        InputError: If the run lacks the given task.
    """
    group, task = _find_task(run, task)
    kept = storage.read(run.workdir, task) if task else {}
    if "images/embeddings" not in kept or "candidates/embeddings" not in kept:
        return None
    images, texts = _choose(kept["images/labels"], kept["candidates/labels"])
    # Names and cosines of what was chosen, from here on.
    labels = [kept["images/labels"][images], kept["candidates/labels"][texts]]
    embeddings = [
        kept["images/embeddings"][images],
        kept["candidates/embeddings"][texts],
    ]
    named = dict(zip(labels[1], kept["candidates/texts"][texts], strict=True))
    names = [str(named.get(x, x)) for x in np.concatenate(labels)]
    pictures, notes = [""] * len(images), []
    try:
        numbers = kept["images/numbers"][images]
        pictures = _read_pictures(run, group, task, numbers)
    except (InputError, OSError, tf.errors.OpError) as error:
        notes.append(f"Drawings are not shown. {error}")
    places, algorithm = project(np.concatenate(embeddings))
    if algorithm == "PCA":
        notes.append(
            "The map is linear, which shows little: with the extra "
            "`evaluation` it is made by t-SNE."
        )
    partners = _partners(labels, embeddings)
    pictures += [""] * len(texts)
    kinds = ["image"] * len(images) + ["text"] * len(texts)
    keys = ("x", "y", "kind", "name", "picture", "partners")
    columns = *zip(*_fit(places), strict=True), kinds, names, pictures, partners
    points = [
        dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)
    ]
    return Map(run.label, run.title(task), algorithm, points, notes)


def project(embeddings):
    """Projects embeddings `[n, dim]` to two dimensions.

    Principal components first, which drop noise; then t-SNE (van der Maaten
    and Hinton, JMLR 9, 2008), if scikit-learn is installed.

    Returns:
        `(places, algorithm)`: floats `[n, 2]`, and "t-SNE" or "PCA".
    """
    centered = embeddings - embeddings.mean(axis=0)
    _, _, axes = np.linalg.svd(centered, full_matrices=False)
    components = centered @ axes[:50].T
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        return components[:, :2], "PCA"
    # t-SNE needs more points than neighbors.
    perplexity = min(30.0, (len(components) - 1) / 3)
    # Exact is quicker than approximate for so few points.
    tsne = TSNE(
        perplexity=perplexity, init="pca", random_state=SEED, method="exact"
    )
    return tsne.fit_transform(components), "t-SNE"


def _find_task(run, task):
    """Returns `(group, name)` of the task to show, or of none."""
    known = {
        name: group
        for group, name, _ in run.measured()
        if group in ("retrieval", "zero_shot")
    }
    headline = run.config.evaluation.headline if run.config else None
    task = task or (headline if headline in known else next(iter(known), None))
    if task is not None and task not in known:
        raise InputError(
            f"{run.label} has no task {task!r} of retrieval or zero-shot "
            f"classification to map{suggest(task, known)}."
        )
    return known.get(task), task


def _choose(image_labels, text_labels):
    """Returns rows of random images, and of the first text of each label."""
    rng = np.random.default_rng(SEED)
    images = np.sort(rng.permutation(len(image_labels))[:MAX_IMAGES])
    _, texts = np.unique(text_labels, return_index=True)
    chosen = np.isin(text_labels[texts], image_labels[images])
    return images, np.sort(texts[chosen])


def _read_pictures(run, group, task, numbers):
    """Returns images by their places in the source, as data URIs."""
    config = run.config
    if config is None or task not in config.evaluation[group]:
        raise InputError("No configuration of the run names their source.")
    config = config.copy_and_resolve_references()
    with config.unlocked():
        directory = config.evaluation.get("directory")
        config.data.directory = directory or config.data.directory
    options = source_options(config.evaluation[group][task])
    source = build_part(config, f"evaluation.{group}.{task}", options)
    source.prepare(folder=files.join(run.workdir, INDEX))
    encoded = [sample["image"] for sample in source.read(numbers)]
    images, _, kept = load_images(encoded, max(config.image_size, PICTURE_SIZE))
    if len(kept) < len(numbers):
        raise InputError("The images have changed since they were embedded.")
    return [png(image, PICTURE_SIZE) for image in to_pixels(images)]


def _partners(labels, embeddings):
    """Lists `(index, cosine)` of the points of the other kind, per point."""
    lists = [[] for _ in np.concatenate(labels)]
    cosines = embeddings[0] @ embeddings[1].T
    pairs = np.argwhere(labels[0][:, None] == labels[1])
    for image, text in pairs.tolist():
        cosine = round(float(cosines[image, text]), 4)
        other = len(labels[0]) + text
        lists[image].append((other, cosine))
        lists[other].append((image, cosine))
    return lists


def _fit(places):
    """Moves places into the drawing, all directions scaled alike."""
    low, high = places.min(axis=0), places.max(axis=0)
    room = np.array([WIDTH, HEIGHT]) - 2 * MARGIN
    scale = np.min(room / np.maximum(high - low, 1e-9))
    centered = (places - (low + high) / 2) * scale
    return (centered + np.array([WIDTH, HEIGHT]) / 2).round(1).tolist()
