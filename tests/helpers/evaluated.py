"""Evaluated workdirs without a model: results, scores, embeddings, history."""

import json

import numpy as np
from tiny_corpus import make_config

from experiments.evaluation import storage
from uniclip_keras import evaluation
from uniclip_keras.evaluation.statistics import confidence_interval

DIM = 16


def write_evaluated(
    folder,
    config,
    keys,
    labels,
    classes,
    *,
    task="test",
    noise=1.0,
    seed=0,
    groups=None,
    numbers=None,
):
    """Writes a workdir as `experiments.evaluate` leaves it.

    Args:
        folder: Path of the workdir.
        config: Its configuration.
        keys: Names of the images.
        labels: Their labels.
        classes: Dict label -> text.
        task: str. Name of a task of retrieval and, with "/zero", of zero-shot
            classification.
        noise: float. How far images lie from their texts.
        seed: int. Of the noise that a run has.
        groups: Labels of what intervals resample together, or None.
        numbers: Places of the images in their source.
    """
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config.to_dict()))
    for name, rows in _history(seed, noise).items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / name).write_text(lines)
    labels, keys = np.array(labels), np.array(keys)
    # What is hard for all runs, and what a run adds to it.
    rng, own = np.random.default_rng(0), np.random.default_rng([seed, 1])
    names = np.array([*classes])
    texts = rng.normal(size=[len(names), DIM])
    spread = rng.normal(size=[len(labels), DIM])
    spread = spread + 0.5 * own.normal(size=spread.shape)
    texts += 0.1 * own.normal(size=texts.shape)
    row = {name: i for i, name in enumerate(names)}
    images = texts[[row[label] for label in labels]] + noise * spread
    # As in trained models, images lie apart from texts.
    images[:, 0] += 2.0
    texts, images = (
        (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
        for x in (texts, images)
    )
    arguments = images, texts, labels, names
    results = {
        "run": {
            "name": config.name,
            "description": "UniCLIP, 6 pairs x 2 views per step.",
            "seed": config.seed,
            "steps": 200,
            "pairs": 1200,
            "seconds": 321.5,
            "parameters": 12345,
            "weights": f"{folder}",
            "versions": {"keras": "3.15.1"},
        },
        "splits": {task: f"The {task} set"},
        "retrieval": {},
        "zero_shot": {},
        "failed": {},
    }
    arrays = {
        "images/embeddings": images,
        "images/keys": keys,
        "images/labels": labels,
        "images/numbers": np.arange(len(keys)) if numbers is None else numbers,
        "candidates/embeddings": texts,
        "candidates/labels": names,
        "candidates/texts": np.array([*classes.values()]),
    }
    group_of = dict(zip(labels, groups or labels, strict=True))
    ways = evaluation.retrieval(
        *arguments,
        image_groups=groups and np.array(groups),
        text_groups=groups and np.array([group_of.get(x, x) for x in names]),
    )
    has_image = np.isin(names, labels)
    items = {
        "image_to_text": keys,
        "text_to_image": arrays["candidates/texts"][has_image],
    }
    results["retrieval"][task] = {w: _values(r) for w, r in ways.items()}
    packed = dict(arrays)
    for way, result in ways.items():
        packed |= storage.pack_scores(way, items[way], result.scores)
    storage.write(folder, task, packed)
    result = evaluation.zero_shot(
        *arguments, groups=groups and np.array(groups)
    )
    results["zero_shot"][f"{task}/zero"] = _values(result)
    packed = arrays | storage.pack_scores("zero_shot", keys, result.scores)
    storage.write(folder, f"{task}/zero", packed)
    (folder / "results.json").write_text(json.dumps(results))


def write_tiny_run(
    folder,
    corpus,
    noise=0.5,
    text="name of {}",
    seed=0,
    items=9,
    task="test",
    **changes,
):
    """Writes a workdir that tells of the tiny corpus; returns its path.

    Args:
        folder: Path of the workdir.
        corpus: Folder of `tiny_corpus.write_corpus`.
        noise, seed, task: As in `write_evaluated`.
        text: str. Template of the texts, of a label.
        items: int. The first so many images were evaluated.
        changes: Of the configuration.
    """
    labels = [f"item-{i}" for i in range(9)]
    write_evaluated(
        folder,
        make_config(corpus, seed=seed, **changes),
        [f"{i:02}" for i in range(items)],
        labels[:items],
        {label: text.format(label) for label in labels},
        task=task,
        noise=noise,
        seed=seed,
    )
    return str(folder)


def _values(result):
    intervals = {
        metric: confidence_interval(scores)
        for metric, scores in result.scores.items()
    }
    known = {metric: pair for metric, pair in intervals.items() if pair}
    return result.summary() | {"intervals": known}


def _history(seed, noise):
    rng = np.random.default_rng([seed, 2])
    steps = np.arange(5, 201, 5)
    training = [
        {
            "step": step,
            "loss": 3 * np.exp(-step / 80) + noise + 0.1 * rng.normal(),
            "temperature/image-text": 0.07 - 1e-4 * step * noise,
            "temperature/image-image": 0.07 + 5e-5 * step,
            "offset/image-text": -1e-3 * step * noise,
        }
        for step in steps.tolist()
    ]
    validation = [
        {
            "step": step,
            "validation/loss": 3 * np.exp(-step / 80) + noise + 0.2,
            "validation/image_to_text_r1": 0.5 - 0.5 * np.exp(-step / 90),
        }
        for step in steps[7::8].tolist()
    ]
    return {"history.jsonl": training, "validation.jsonl": validation}
