"""The texts of the corpus: captions, retrieval names and zero-shot classes."""

import collections

from experiments.corpora.emoji.words import group_text
from experiments.corpora.emoji.words import subgroup_texts

# Training draws one caption at random per step, so a count is a weight.
# Retrieval asks for the plain name. The words of the subgroup beside the name
# let the model find an unseen item by its kind.
NAME_WEIGHT = 6
SUBGROUP_WEIGHT = 4
GROUP_WEIGHT = 2
MAX_ALIASES = 2
CAPTION_LANGUAGES = ("de", "es", "fr")


def captions_of(item):
    """Lists the captions of an item; repeats are drawn more often.

    Every caption names the item. The words of a class alone would be shared
    by many items and so be wrong negatives.

    Args:
        item: `Item`.

    Returns:
        List of texts: the English name, "name, subgroup words",
        "name, subgroup words, group words", aliases, other languages.
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
    """Lists the captions of all items, none in both training and `novel`.

    Items can share an alias or a foreign name: French "cricket" is the game,
    English "cricket" the insect. An English name stays with its item; any
    other shared caption is removed from the training side.

    Args:
        seen: List of `Item` that training sees.
        novel: List of `Item` of the split `novel`.

    Returns:
        `({item code: list of captions}, number of captions removed)`.
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


def name_list(items):
    """Lists items with the texts that retrieval asks for.

    Items of equal names also show their name with the words of their
    subgroup: otherwise retrieval could not tell them apart.

    Args:
        items: Iterable of `Item`.

    Returns:
        `(list of {"label": code, "texts": [name, ...]} sorted by code,
        number of items that share their name)`.
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


def subgroup_classes(items):
    """Lists the subgroups as `{"label": subgroup, "texts": [...]}`, sorted."""
    return [
        {"label": subgroup, "texts": list(subgroup_texts(subgroup))}
        for subgroup in sorted({item.subgroup for item in items})
    ]


def group_classes(items):
    """Lists the groups as `{"label": group, "texts": [...]}`, sorted.

    A group such as "Travel & Places" says little by itself: its texts are its
    own words and those of its subgroups.
    """
    members = {}
    for item in items:
        members.setdefault(item.group, set()).add(item.subgroup)
    classes = []
    for group, subgroups in sorted(members.items()):
        texts = [group_text(group)]
        texts += [subgroup_texts(subgroup)[0] for subgroup in sorted(subgroups)]
        classes.append({"label": group, "texts": list(dict.fromkeys(texts))})
    return classes


def _without(captions, taken):
    """Drops the captions that are in a set of casefolded texts."""
    return [text for text in captions if text.casefold() not in taken]
