"""The texts of the corpus: captions, retrieval names and zero-shot classes."""

import collections

# Training draws one caption at random per step, so a count is a weight.
# Retrieval asks for the plain name. The words of the subgroup beside the name
# let the model find an unseen item by its kind.
NAME_WEIGHT = 6
SUBGROUP_WEIGHT = 4
GROUP_WEIGHT = 2
MAX_ALIASES = 2
CAPTION_LANGUAGES = ("de", "es", "fr")

# Subgroups such as "face-smiling" name the kind first; English puts it last.
# Others ("country-flag", "hair-style") already read well.
_KINDS = ("face", "person", "animal", "plant", "food", "place", "transport")

# Subgroups for which the rule reads poorly or a second word is common.
SUBGROUP_TEXTS = {
    "face-affection": ("loving face", "affection"),
    "face-tongue": ("face with tongue",),
    "face-hand": ("face with hand",),
    "face-neutral-skeptical": ("neutral face", "skeptical face"),
    "face-unwell": ("unwell face", "sick face"),
    "face-hat": ("face with hat",),
    "face-glasses": ("face with glasses",),
    "face-concerned": ("concerned face", "worried face"),
    "face-negative": ("negative face", "angry face"),
    "face-costume": ("face in costume", "creature face"),
    "hand-fingers-open": ("open hand",),
    "hand-fingers-partial": ("hand sign with fingers",),
    "hand-single-finger": ("pointing finger",),
    "hand-fingers-closed": ("closed hand", "fist"),
    "hands": ("two hands",),
    "hand-prop": ("hand with object",),
    "body-parts": ("body part",),
    "person-gesture": ("gesturing person", "gesture"),
    "person-role": ("person at work", "profession"),
    "person-fantasy": ("fantasy person", "magical creature"),
    "person-activity": ("person in action", "activity"),
    "person-sport": ("person doing sport",),
    "person-symbol": ("people symbol",),
    "animal-mammal": ("mammal animal", "mammal"),
    "animal-bird": ("bird animal", "bird"),
    "animal-reptile": ("reptile animal", "reptile"),
    "animal-marine": ("marine animal", "sea animal"),
    "animal-bug": ("bug animal", "insect"),
    "plant-flower": ("flower plant", "flower"),
    "plant-other": ("plant",),
    "food-fruit": ("fruit food", "fruit"),
    "food-vegetable": ("vegetable food", "vegetable"),
    "food-prepared": ("prepared food", "meal"),
    "food-marine": ("marine food", "seafood"),
    "food-sweet": ("sweet food", "dessert"),
    "place-map": ("map",),
    "place-geographic": ("geographic place", "landscape"),
    "place-building": ("building",),
    "place-religious": ("religious building",),
    "place-other": ("place", "sight"),
    "transport-ground": ("ground transport", "land vehicle"),
    "transport-water": ("water transport", "boat"),
    "transport-sign": ("transport sign",),
    "transport-air": ("air transport", "aircraft"),
    "time": ("time", "clock"),
    "event": ("event", "celebration"),
    "sport": ("sport", "sports equipment"),
    "book-paper": ("book and paper",),
    "household": ("household object",),
    "medical": ("medical object",),
    "other-object": ("object",),
    "warning": ("warning sign",),
    "religion": ("religious symbol",),
    "zodiac": ("zodiac sign",),
    "av-symbol": ("audio and video button", "player button"),
    "gender": ("gender symbol",),
    "math": ("math symbol",),
    "punctuation": ("punctuation mark",),
    "currency": ("currency symbol",),
    "other-symbol": ("symbol",),
    "keycap": ("keycap digit",),
    "alphanum": ("letters and digits", "letter button"),
    "geometric": ("geometric shape",),
    "subdivision-flag": ("flag of a region",),
}


def subgroup_texts(subgroup):
    """Returns one or two texts for a Unicode subgroup.

    "animal-mammal" is `("mammal animal", "mammal")`.
    """
    if subgroup in SUBGROUP_TEXTS:
        return SUBGROUP_TEXTS[subgroup]
    kind, *words = subgroup.replace("&", "and").split("-")
    words = [*words, kind] if kind in _KINDS else [kind, *words]
    return (" ".join(words),)


def group_text(group):
    return group.replace("&", "and").lower()


def captions_of(item):
    """Lists the captions of an item; repeats are drawn more often.

    Every caption names the item: many items share the words of a class, which
    alone would be wrong negatives.
    """
    kinds = subgroup_texts(item.subgroup) * SUBGROUP_WEIGHT
    named = [f"{item.name}, {kind}" for kind in kinds]
    group = group_text(item.group)
    captions = [item.name] * NAME_WEIGHT + named[:SUBGROUP_WEIGHT]
    captions += [f"{text}, {group}" for text in named[:GROUP_WEIGHT]]
    captions += item.names["en"][1 : 1 + MAX_ALIASES]
    for language in CAPTION_LANGUAGES:
        captions += item.names.get(language, [])
    return captions


def separate_captions(seen, unseen):
    """Lists the captions of all items, none of both a seen and an unseen one.

    Items can share an alias or a foreign name: French "cricket" is the game,
    English "cricket" the insect. An English name stays with its item; any
    other shared caption is removed from the training side.

    Returns `({item code: list of captions}, number of captions removed)`.
    """
    seen_names = {item.name.casefold() for item in seen}
    captions = {item.code: captions_of(item) for item in [*seen, *unseen]}
    total = sum(map(len, captions.values()))
    taken = set()
    for item in unseen:
        captions[item.code] = _without(captions[item.code], seen_names)
        taken.update(text.casefold() for text in captions[item.code])
    for item in seen:
        captions[item.code] = _without(captions[item.code], taken)
    return captions, total - sum(map(len, captions.values()))


def name_list(items):
    """Lists items by code with the texts that retrieval asks for.

    Items of equal names, whose number is returned too, also show the words of
    their subgroup: otherwise retrieval could not tell them apart.
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
    """Lists the groups with their own words and those of their subgroups.

    A group such as "Travel & Places" says little by itself.
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
    return [text for text in captions if text.casefold() not in taken]
