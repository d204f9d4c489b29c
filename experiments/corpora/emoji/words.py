"""English words for Unicode's groups and subgroups, as prompts need them."""

# Subgroups such as "face-smiling" name the kind first; English puts it last.
# Others ("country-flag", "hair-style") already read well.
_KINDS = frozenset(
    ("face", "person", "animal", "plant", "food", "place", "transport")
)

# Subgroups for which the rule reads poorly or a second word is common.
TEXTS = {
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
    if subgroup in TEXTS:
        return TEXTS[subgroup]
    kind, _, rest = subgroup.replace("&", "and").partition("-")
    words = rest.split("-") if rest else []
    if kind in _KINDS:
        return (" ".join([*words, kind]),)
    return (" ".join([kind, *words]),)


def group_text(group):
    """Returns a text for a Unicode group: "food and drink"."""
    return group.replace("&", "and").lower()
