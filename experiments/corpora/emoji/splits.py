"""Who is held out: seeded splits over concepts and skin-tone variants."""

import random

SPLITS = ("train", "train_tones", "style", "novel", "composition")
NOVEL_FRACTION = 0.15
COMPOSITION_FRACTION = 0.10

# Nothing general can be learnt about these: a flag, letter or digit is known
# or unknown. Components are parts, not pictures of something.
_NEVER_NOVEL_GROUPS = frozenset(("Flags", "Component"))
_NEVER_NOVEL_SUBGROUPS = frozenset(("alphanum", "keycap"))
# Drawn as letters or digits, though filed elsewhere.
_WRITTEN = frozenset(
    (
        "ATM sign",
        "BACK arrow",
        "END arrow",
        "ON! arrow",
        "SOON arrow",
        "TOP arrow",
        "1st place medal",
        "2nd place medal",
        "3rd place medal",
        "copyright",
        "ZZZ",
        "hundred points",
        "mahjong red dragon",
        "no one under eighteen",
        "registered",
        "trade mark",
        "water closet",
    )
)


def can_be_novel(item):
    """Whether an item may be held out as a novel concept."""
    return not (
        item.group in _NEVER_NOVEL_GROUPS
        or item.subgroup in _NEVER_NOVEL_SUBGROUPS
        or item.name in _WRITTEN
    )


def novel_concepts(items, seed):
    """Draws the held-out concepts.

    Args:
        items: iterable of `Item`, skin-tone variants included.
        seed: integer.

    Returns:
        Set of 15 % of the concepts all of whose items may be held out.
    """
    items = list(items)
    barred = {item.concept for item in items if not can_be_novel(item)}
    concepts = {item.concept for item in items} - barred
    return _draw(concepts, NOVEL_FRACTION, f"{seed}/novel")


def held_out_tones(items, novel, seed):
    """Draws the held-out skin-tone variants.

    Args:
        items: iterable of `Item`.
        novel: set of novel concepts, whose variants are in no split.
        seed: integer.

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
        style: the drawing's style.
        test_style: the style that training never sees.
        novel: set of novel concepts.
        held_out: set of codes of held-out skin-tone variants.

    Returns:
        One of `SPLITS`, or None where the drawing belongs to no split.
    """
    if item.concept in novel:
        return None if item.toned else "novel"
    if style == test_style:
        return None if item.toned else "style"
    if item.code in held_out:
        return "composition"
    return "train_tones" if item.toned else "train"


def _draw(population, fraction, key):
    """Draws a fraction of a set, whatever order the set is in."""
    ordered = sorted(population)
    return set(
        random.Random(key).sample(ordered, round(fraction * len(ordered)))
    )
