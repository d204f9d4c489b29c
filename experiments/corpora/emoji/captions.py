"""The texts that an item is trained with, and the lists of names."""

import collections

from experiments.corpora.emoji.classes import group_text
from experiments.corpora.emoji.classes import subgroup_texts

# One caption is drawn at random per step, so a count is a weight. The plain
# name is what retrieval asks for; the subgroup's words beside the name are
# what lets an unseen item be found by its kind.
NAME_WEIGHT = 6
SUBGROUP_WEIGHT = 4
GROUP_WEIGHT = 2
MAX_ALIASES = 2
CAPTION_LANGUAGES = ("de", "es", "fr")


def captions_of(item):
    """Lists an item's captions; a caption listed twice is drawn twice as often.

    Args:
        item: `Item`.

    Returns:
        List of texts: the English name, "name, subgroup words",
        "name, subgroup words, group words", aliases, other languages. Every
        one of them names the item: words of a class alone would be shared by
        many items and so be wrong negatives.
    """
    kinds = subgroup_texts(item.subgroup)
    group = group_text(item.group)
    captions = [item.name] * NAME_WEIGHT
    for index in range(SUBGROUP_WEIGHT):
        captions.append(f"{item.name}, {kinds[index % len(kinds)]}")
    for index in range(GROUP_WEIGHT):
        kind = kinds[index % len(kinds)]
        captions.append(f"{item.name}, {kind}, {group}")
    captions += item.names["en"][1 : 1 + MAX_ALIASES]
    for language in CAPTION_LANGUAGES:
        captions += item.names.get(language, [])
    return captions


def separate_captions(seen, novel):
    """Captions of all items, none of them both in training and in `novel`.

    Items can share an alias or a foreign name: French "cricket" is the game,
    English "cricket" the insect. An English name stays with the item that
    bears it; any other shared caption is taken from the training side.

    Args:
        seen: list of `Item` that training sees.
        novel: list of `Item` of the `novel` split.

    Returns:
        ({item code: list of captions}, number of captions left out).
    """
    seen_names = {item.name.casefold() for item in seen}
    captions = {item.code: captions_of(item) for item in [*seen, *novel]}
    total = sum(map(len, captions.values()))
    taken = set()
    for item in novel:
        captions[item.code] = _without(captions[item.code], seen_names)
        taken.update(text.casefold() for text in captions[item.code])
    for item in seen:
        captions[item.code] = _without(captions[item.code], taken)
    return captions, total - sum(map(len, captions.values()))


def _without(captions, taken):
    """Leaves out the captions that are in a set of casefolded texts."""
    return [text for text in captions if text.casefold() not in taken]


def name_list(items):
    """Lists the items with the text by which each is retrieved.

    Two items of one name would make retrieval a coin toss unseen by anyone:
    each then also shows its name with the words of its subgroup.

    Args:
        items: iterable of `Item`.

    Returns:
        (list of {"label": code, "texts": [name, ...]} sorted by code,
        number of items that share their name with another).
    """
    items = sorted(items, key=lambda item: item.code)
    uses = collections.Counter(item.name.casefold() for item in items)
    entries, shared = [], 0
    for item in items:
        texts = [item.name]
        if uses[item.name.casefold()] > 1:
            shared += 1
            texts.append(f"{item.name}, {subgroup_texts(item.subgroup)[0]}")
        entries.append({"label": item.code, "texts": texts})
    return entries, shared
