"""Captions, names and classes of the items."""

import collections
import dataclasses

from experiments.corpora.emoji import words


def test_every_item_has_a_class_and_class_texts_are_distinct(plan):
    subgroups = words.subgroup_classes(plan.items)
    assert len(subgroups) == 101
    listed = [text for entry in subgroups for text in entry["texts"]]
    assert len(listed) == len(set(listed))
    assert words.subgroup_texts("face-smiling") == ("smiling face",)
    assert words.subgroup_texts("animal-mammal")[0] == "mammal animal"
    assert words.subgroup_texts("sky & weather") == ("sky and weather",)
    # Each key of the table is still a subgroup of the packages.
    assert words.SUBGROUP_TEXTS.keys() <= {
        entry["label"] for entry in subgroups
    }
    groups = {c["label"]: c["texts"] for c in words.group_classes(plan.items)}
    assert len(groups) == 10
    assert groups["Food & Drink"][0] == "food and drink"
    assert "fruit food" in groups["Food & Drink"]


def test_captions_say_the_name_most_often(plan):
    item = next(i for i in plan.items if i.name == "dog face")
    counts = collections.Counter(words.captions_of(item))
    assert counts.most_common(1)[0][0] == "dog face"
    assert counts["dog face, mammal animal"] == 2
    assert counts["dog face, mammal animal, animals and nature"] == 1
    assert counts["hundegesicht"] == 1
    for item in plan.items:
        assert item.name in plan.captions[item.code]


def test_shared_captions_stay_with_the_english_name(plan):
    def item(code, name, french):
        names = {"en": [name], "fr": [french]}
        return dataclasses.replace(
            plan.items[0], code=code, name=name, names=names
        )

    insect = item("a", "cricket", "grillon")
    game = item("b", "cricket game", "Cricket")
    other = item("c", "bug", "cricket game")
    for seen, unseen in (([insect, other], [game]), ([game, other], [insect])):
        kept, removed = words.separate_captions(seen, unseen)
        assert "cricket" in kept["a"]
        assert "Cricket" not in kept["b"]
        assert "cricket game" in kept["b"]
        assert removed == (2 if unseen == [game] else 1)


def test_items_of_one_name_show_both_texts(plan):
    first, second, third = plan.items[:3]
    twin = dataclasses.replace(
        second, name=first.name.upper(), subgroup="animal-bug"
    )
    entries, shared = words.name_list([third, twin, first])
    assert shared == 2
    assert entries[0]["texts"][0] == first.name
    assert entries[1]["texts"] == [twin.name, f"{twin.name}, bug animal"]
    assert entries[2]["texts"] == [third.name]
    assert words.name_list(plan.items)[1] == 0
