"""Words for Unicode's groups and subgroups, good enough for prompts."""

# Subgroups such as "face-smiling" name the kind first: English turns them
# around. Others ("country-flag", "hair-style") already read well.
_KINDS = frozenset(
    ("face", "person", "animal", "plant", "food", "place", "transport")
)

# Where the rule reads poorly, or where a second word is the usual one.
_TEXTS = {
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
    """Says a Unicode subgroup in words.

    Args:
        subgroup: such as "animal-mammal".

    Returns:
        Tuple of one or two texts, such as ("mammal animal", "mammal").
    """
    if subgroup in _TEXTS:
        return _TEXTS[subgroup]
    kind, _, rest = subgroup.replace("&", "and").partition("-")
    words = rest.split("-") if rest else []
    if kind in _KINDS:
        return (" ".join([*words, kind]),)
    return (" ".join([kind, *words]),)


def group_text(group):
    """Says a Unicode group in words: "Food & Drink" is "food and drink"."""
    return group.replace("&", "and").lower()


def subgroup_classes(items):
    """Lists the zero-shot classes of the subgroups.

    Args:
        items: iterable of `Item`.

    Returns:
        Sorted list of {"label": subgroup, "texts": [...]}.
    """
    return [
        {"label": subgroup, "texts": list(subgroup_texts(subgroup))}
        for subgroup in sorted({item.subgroup for item in items})
    ]


def group_classes(items):
    """Lists the zero-shot classes of the groups.

    A group such as "Travel & Places" says little by itself, so its texts are
    its own words and those of its subgroups.

    Args:
        items: iterable of `Item`.

    Returns:
        Sorted list of {"label": group, "texts": [...]}.
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
