"""The corpus as a whole: plan it from the packages, then write it."""

import collections
import concurrent.futures
import dataclasses
import hashlib
import pathlib

from experiments.corpora import shards
from experiments.corpora.emoji import captions as captions_lib
from experiments.corpora.emoji import classes
from experiments.corpora.emoji import drawings
from experiments.corpora.emoji import splits
from experiments.corpora.emoji.items import TONE_WORDS
from experiments.corpora.emoji.items import load_items
from experiments.corpora.emoji.packages import LICENCES
from experiments.corpora.emoji.packages import versions

# Raised whenever the files would differ for equal packages and seed.
FORMAT = 1
_WORKERS = 2


@dataclasses.dataclass(frozen=True)
class Sample:
    """One drawing of one item: `key`, `style`, `split`, `item`, `path`."""

    key: str
    style: str
    split: str
    item: object
    path: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first picture is drawn.

    Attributes:
        seed: integer.
        items: list of the drawn `Item`s, sorted by code.
        samples: {split: list of `Sample`}, in the order of the shards.
        captions: {item code: list of captions}.
        dropped: {reason: count}.
    """

    seed: int
    items: list
    samples: dict
    captions: dict
    dropped: dict


def fingerprint(seed):
    """What the bytes of a corpus depend on: format, seed, package versions."""
    return {"format": FORMAT, "seed": seed, "versions": versions()}


def plan_corpus(seed):
    """Decides which drawing goes where.

    Args:
        seed: integer; draws the held-out concepts and variants and the order
            of the samples.

    Returns:
        `Plan`.

    Raises:
        InputError: a package is not installed.
    """
    items = load_items()
    found, dropped = drawings.find_drawings()
    drawn = {
        code
        for style in drawings.TRAIN_STYLES
        for code in found[style]
        if code in items
    }
    items = {code: item for code, item in items.items() if code in drawn}
    by_name = {item.name: item.code for item in items.values()}
    novel = splits.novel_concepts(items.values(), seed)
    held_out = splits.held_out_tones(items.values(), novel, seed)
    samples = {split: [] for split in splits.SPLITS}
    for style, paths in sorted(found.items()):
        for code, path in paths.items():
            item = items.get(code)
            if item is None:
                dropped[f"{style}: sequence without a name"] += 1
                continue
            base = paths.get(by_name.get(TONE_WORDS.sub("", item.name)))
            if item.toned and base and drawings.same_drawing(path, base):
                dropped[f"{style}: skin tone not drawn"] += 1
                continue
            split = splits.split_of(
                item, style, drawings.TEST_STYLE, novel, held_out
            )
            if split is None:
                dropped[f"{style}: skin tone of a test item"] += 1
                continue
            key = f"{code}-{style}"
            samples[split].append(Sample(key, style, split, item, path))
    for split in samples.values():
        split.sort(key=lambda sample: _shuffle_key(seed, sample.key))
    seen = [item for item in items.values() if item.concept not in novel]
    unseen = [item for item in items.values() if item.concept in novel]
    captions, removed = captions_lib.separate_captions(seen, unseen)
    dropped["captions: shared by a seen and a novel item"] = removed
    return Plan(seed, list(items.values()), samples, captions, dict(dropped))


def write_corpus(plan, folder, progress=lambda done, total: None):
    """Draws the pictures and writes every file.

    Args:
        plan: `Plan`.
        folder: `pathlib.Path` of an existing, empty folder.
        progress: called with (pictures done, pictures in all).

    Returns:
        The contents of `corpus.json`.
    """
    total = sum(len(samples) for samples in plan.samples.values())
    done, files = 0, {}
    with concurrent.futures.ThreadPoolExecutor(_WORKERS) as pool:

        def finished(samples):
            nonlocal done
            pictures = pool.map(drawings.render, [s.path for s in samples])
            for sample, picture in zip(samples, pictures, strict=True):
                yield sample.key, _sample_files(plan, sample, picture)
                done += 1
                progress(done, total)

        for split, samples in plan.samples.items():
            files.update(shards.write_shards(folder, split, finished(samples)))
    base_items = [item for item in plan.items if not item.toned]
    names, shared = captions_lib.name_list(base_items)
    all_names, all_shared = captions_lib.name_list(plan.items)
    lists = {
        "names.json": names,
        "names_all.json": all_names,
        "groups.json": classes.group_classes(plan.items),
        "subgroups.json": classes.subgroup_classes(plan.items),
    }
    for name, content in lists.items():
        files[name] = (folder / name).write_bytes(shards.to_json(content))
    corpus = {
        **fingerprint(plan.seed),
        "counts": {
            split: dict(
                sorted(collections.Counter(s.style for s in samples).items())
            )
            for split, samples in plan.samples.items()
        },
        "items": {
            "base": len(names),
            "all": len(all_names),
            "sharing_a_name": max(shared, all_shared),
            "novel_concepts": len(
                {s.item.concept for s in plan.samples["novel"]}
            ),
        },
        "dropped": plan.dropped,
        "licences": LICENCES,
        "files": files,
    }
    (folder / "corpus.json").write_bytes(shards.to_json(corpus))
    return corpus


def _sample_files(plan, sample, picture):
    """Returns {extension: bytes} of one sample."""
    item = sample.item
    record = {
        "item": item.code,
        "id": item.id,
        "style": sample.style,
        "split": sample.split,
        "group": item.group,
        "subgroup": item.subgroup,
        "concept": item.concept,
        "names": item.names,
        "captions": plan.captions[item.code],
    }
    return {
        "png": picture,
        "txt": item.name.encode(),
        "json": shards.to_json(record),
    }


def _shuffle_key(seed, key):
    """Sorting by this mixes styles and kinds, so that every shard is a mix."""
    return hashlib.sha256(f"{seed}/{key}".encode()).hexdigest()
