"""The plan of the corpus: which drawing goes into which split."""

import dataclasses
import pathlib
import random
from hashlib import sha256

from experiments.corpora.emoji import drawings
from experiments.corpora.emoji import words
from experiments.corpora.emoji.items import TONE_WORDS
from experiments.corpora.emoji.items import Item
from experiments.corpora.emoji.items import load_items

SPLITS = (
    "train", "train_tones", "val_style", "val_novel", "style", "novel",
    "composition",
)  # fmt: skip
# Styles that never train -> the splits of their drawings: of items that train
# in other styles, and of concepts that train in none.
_UNSEEN_STYLES = {
    drawings.VALIDATION_STYLE: ("val_style", "val_novel"),
    drawings.TEST_STYLE: ("style", "novel"),
}
# A flag, letter or digit is known or unknown: nothing general can be learned
# about it. Components are parts, not pictures of something.
_NEVER_NOVEL_GROUPS = ("Flags", "Component")
_NEVER_NOVEL_SUBGROUPS = ("alphanum", "keycap")
# Drawn as letters or digits, though in other subgroups.
WRITTEN = (
    "ATM sign", "BACK arrow", "END arrow", "ON! arrow", "SOON arrow",
    "TOP arrow", "1st place medal", "2nd place medal", "3rd place medal",
    "copyright", "ZZZ", "hundred points", "mahjong red dragon",
    "no one under eighteen", "registered", "trade mark", "water closet",
)  # fmt: skip


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
    """Everything that is decided before the first picture is drawn."""

    seed: int
    items: list  # The drawn `Item`s, sorted by code.
    samples: dict  # `{split: list of Sample}` in the order of the shards.
    captions: dict  # `{item code: list of captions}`.
    dropped: dict  # `{reason: count}`.


def plan_corpus(seed):
    """Returns the `Plan` of the corpus from the installed packages.

    The seed draws the held-out concepts and variants and the order of the
    samples.
    """
    found, dropped = drawings.find_drawings()
    drawn = set().union(*(found[style] for style in drawings.TRAIN_STYLES))
    by_code = {c: item for c, item in load_items().items() if c in drawn}
    items = list(by_code.values())
    by_name = {item.name: item.code for item in items}
    concepts = unseen_concepts(items, seed)
    unseen = [item for item in items if item.concept in concepts]
    seen = [item for item in items if item.concept not in concepts]
    # From what validation takes, too, so that it does not change the test.
    tones = [
        item.code
        for item in items
        if item.toned and concepts.get(item.concept) != "novel"
    ]
    held_out = _draw(tones, 0.1, f"{seed}/composition")
    samples = {split: [] for split in SPLITS}
    for style, paths in sorted(found.items()):
        for code, path in paths.items():
            item = by_code.get(code)
            if item is None:
                dropped[f"{style}: sequence without a name"] += 1
                continue
            base = paths.get(by_name.get(TONE_WORDS.sub("", item.name)))
            if item.toned and base and path.read_bytes() == base.read_bytes():
                dropped[f"{style}: skin tone not drawn"] += 1
                continue
            split = _split_of(item, style, concepts, held_out)
            if split is None:
                reason = (
                    "skin tone of a held-out item"
                    if item.toned
                    else "concept held out for another style"
                )
                dropped[f"{style}: {reason}"] += 1
                continue
            key = f"{code}-{style}"
            samples[split].append(Sample(key, style, split, item, path))
    for split in samples.values():
        # Mixes styles and kinds, so that every shard holds some of each.
        split.sort(key=lambda s: sha256(f"{seed}/{s.key}".encode()).digest())
    captions, removed = words.separate_captions(seen, unseen)
    dropped["captions: shared by a seen and an unseen item"] = removed
    return Plan(seed, items, samples, captions, dict(dropped))


def unseen_concepts(items, seed):
    """Draws the concepts that training sees in no style.

    Of the concepts of which every item may be held out, 15 % are for the test
    and 10 % of the rest for validation.

    Returns `{concept: "novel" or "val_novel"}`.
    """
    barred = {
        item.concept
        for item in items
        if item.group in _NEVER_NOVEL_GROUPS
        or item.subgroup in _NEVER_NOVEL_SUBGROUPS
        or item.name in WRITTEN
    }
    concepts = {item.concept for item in items} - barred
    novel = _draw(concepts, 0.15, f"{seed}/novel")
    validation = _draw(concepts - novel, 0.1, f"{seed}/val_novel")
    return dict.fromkeys(novel, "novel") | dict.fromkeys(
        validation, "val_novel"
    )


def _draw(population, fraction, key):
    # Sets have no order: sort before drawing.
    ordered = sorted(population)
    count = round(fraction * len(ordered))
    return set(random.Random(key).sample(ordered, count))


def _split_of(item, style, concepts, held_out_tones):
    """Names the split of a drawing, None where it is in no split."""
    novel = concepts.get(item.concept)
    if style in _UNSEEN_STYLES or novel:
        style_split, novel_split = _UNSEEN_STYLES.get(style, (None, novel))
        # The validation style never shows a concept of the test, nor the
        # test style one of validation.
        if item.toned or novel not in (None, novel_split):
            return None
        return novel or style_split
    if item.code in held_out_tones:
        return "composition"
    return "train_tones" if item.toned else "train"
