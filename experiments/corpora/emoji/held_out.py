"""The splits: which concepts and skin-tone variants are held out."""

import random

SPLITS = ("train", "train_tones", "style", "novel", "composition")
NOVEL_FRACTION = 0.15
COMPOSITION_FRACTION = 0.10

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


def novel_concepts(items, seed):
    """Draws the held-out concepts.

    Args:
        items: Iterable of `Item`, with skin-tone variants.
        seed: Integer.

    Returns:
        Set of 15 % of the concepts of which every item may be held out.
    """
    items = list(items)
    barred = {
        item.concept
        for item in items
        if item.group in _NEVER_NOVEL_GROUPS
        or item.subgroup in _NEVER_NOVEL_SUBGROUPS
        or item.name in WRITTEN
    }
    concepts = {item.concept for item in items} - barred
    return _draw(concepts, NOVEL_FRACTION, f"{seed}/novel")


def held_out_tones(items, novel, seed):
    """Draws the held-out skin-tone variants.

    Args:
        items: Iterable of `Item`.
        novel: Set of novel concepts, whose variants are in no split.
        seed: Integer.

    Returns:
        Set of the codes of 10 % of the variants of seen concepts.
    """
    codes = {
        item.code for item in items if item.toned and item.concept not in novel
    }
    return _draw(codes, COMPOSITION_FRACTION, f"{seed}/composition")


def split_of(item, style, test_style, novel, held_out):
    """Names the split of one drawing.

    Args:
        item: `Item`.
        style: Style of the drawing.
        test_style: Style that training never sees.
        novel: Set of novel concepts.
        held_out: Set of codes of held-out skin-tone variants.

    Returns:
        A name of `SPLITS`, or None where the drawing is in no split.
    """
    if item.concept in novel:
        return None if item.toned else "novel"
    if style == test_style:
        return None if item.toned else "style"
    if item.code in held_out:
        return "composition"
    return "train_tones" if item.toned else "train"


def _draw(population, fraction, key):
    # Sets have no order: sort before drawing.
    ordered = sorted(population)
    return set(
        random.Random(key).sample(ordered, round(fraction * len(ordered)))
    )
