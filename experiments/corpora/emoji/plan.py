"""The plan of the corpus: which drawing goes into which split."""

import dataclasses
import hashlib
import pathlib

from experiments.corpora.emoji import drawings
from experiments.corpora.emoji import held_out as splits
from experiments.corpora.emoji.items import TONE_WORDS
from experiments.corpora.emoji.items import Item
from experiments.corpora.emoji.items import load_items
from experiments.corpora.emoji.texts import separate_captions


@dataclasses.dataclass(frozen=True)
class Sample:
    """One drawing of one item."""

    key: str
    style: str
    split: str
    item: Item
    path: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that is decided before the first picture is drawn.

    Attributes:
        seed: Integer.
        items: List of the drawn `Item`s, sorted by code.
        samples: `{split: list of Sample}` in the order of the shards.
        captions: `{item code: list of captions}`.
        dropped: `{reason: count}`.
    """

    seed: int
    items: list
    samples: dict
    captions: dict
    dropped: dict


def plan_corpus(seed):
    """Plans the corpus from the installed packages.

    Args:
        seed: Integer; draws the held-out concepts and variants and the order
            of the samples.

    Returns:
        A `Plan`.

    Raises:
        InputError: A package is not installed.
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
    captions, removed = separate_captions(seen, unseen)
    dropped["captions: shared by a seen and a novel item"] = removed
    return Plan(seed, list(items.values()), samples, captions, dict(dropped))


def _shuffle_key(seed, key):
    """Mixes styles and kinds, so that every shard holds some of each."""
    return hashlib.sha256(f"{seed}/{key}".encode()).hexdigest()
