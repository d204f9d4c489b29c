import json

import pytest

from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import texts
from uniclip_keras.errors import InputError


def caption_id(caption):
    return texts.Captions().read(caption.encode(), b"", b"")[1]


def label_id(label, classes):
    return texts.Labels(classes).read(b"", b"", label.encode())[1]


def test_captions_that_differ_in_case_share_an_id():
    assert caption_id("Red  Heart ") == caption_id("red heart")
    assert caption_id("red heart") == texts.stable_hash("red heart")
    assert caption_id("red heart") != caption_id("red hearts")
    assert texts.stable_hash("red heart") == 5677511681885013471


def test_ids_are_whole_numbers_or_hashes_of_63_bits():
    def read(sample_id):
        captions = texts.Captions(has_ids=True)
        return captions.read(b"a caption", sample_id, b"")[1]

    assert read(b" 7 ") == 7 and read(b"0") == 0
    assert read(b"1f600") == read(b"1f600") != read(b"x")
    huge = str(2**63).encode()
    for sample_id in (b"1f600", b"x", b"-7", huge):
        assert 2**32 < read(sample_id) < 2**63


def test_samples_carry_the_names_of_their_class():
    classes = {"cat": ("Cat",), "dog": ("a Dog", "hound")}
    labels = texts.Labels(classes)
    assert labels.class_names == ("Cat", "a Dog", "hound")
    dog = texts.stable_hash("a dog")
    assert labels.read(b"", b"", b" dog\n") == ("a Dog\nhound", dog)
    # Without a list, labels are names.
    assert texts.Labels().read(b"", b"", b"wild_cat")[0] == "wild cat"
    assert texts.Labels().class_names == ()


def test_ids_meet_by_content():
    one = {"0": ("Dog", "hound"), "1": ("crane",), "2": ("Crane", "hoist")}
    two = {"d": ("dog", "puppy"), "e": ("hound",)}
    dog, bird, machine = (label_id(label, one) for label in one)
    # The same class in another set, with another label and other synonyms.
    same, hound = (label_id(label, two) for label in two)
    assert same == dog and hound != dog
    assert bird == machine
    assert caption_id(" DOG ") == dog != caption_id("dogs")


@pytest.mark.parametrize(
    ("reader", "fields", "kind"),
    [
        (texts.Captions(), (b" \n ", b"", b""), bad.EMPTY_CAPTION),
        (texts.Captions(), (b"caf\xe9", b"", b""), bad.UNREADABLE_TEXT),
        (texts.Captions(), (b"x" * 10_001, b"", b""), bad.OVERSIZE_CAPTION),
        (texts.Captions(has_ids=True), (b"x", b" ", b""), bad.MISSING_ID),
        (texts.Labels(), (b"", b"", b"_"), bad.MISSING_LABEL),
        (texts.Labels({"a": ("a",)}), (b"", b"", b""), bad.MISSING_LABEL),
        (texts.Labels({"a": ("a",)}), (b"", b"", b"b"), bad.UNKNOWN_LABEL),
    ],
)
def test_bad_samples_have_a_kind(reader, fields, kind):
    with pytest.raises(texts.BadSampleError) as error:
        reader.read(*fields)
    assert error.value.kind == kind


def test_class_lists_are_normalized(tmp_path):
    path = tmp_path / "classes.json"
    entries = {"cat": ["Cat"], 7: [" a  Dog ", "hound", ""]}
    entries = [{"label": k, "texts": names} for k, names in entries.items()]
    path.write_text(json.dumps(entries))
    assert texts.read_classes(path) == {
        "cat": ("Cat",),
        "7": ("a Dog", "hound"),
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "holds no classes"),
        ("[]", "holds no classes"),
        ([(1,)], "holds no classes"),
        ('["dog"]', "holds no classes"),
        ([("a", ["x"]), ("b", [])], "'b' .* at least one name"),
        ([("a", "dog")], "'a' .* texts 'dog'"),
        ([("a", [" ", ""])], "'a' .* at least one name"),
        ([(1, ["x"]), ("1", ["y"])], "'1' appears twice"),
    ],
)
def test_unusable_class_lists_are_refused(tmp_path, content, message):
    path = tmp_path / "classes.json"
    if not isinstance(content, str):
        names = ("label", "texts")
        entries = (zip(names, entry, strict=False) for entry in content)
        content = json.dumps([*map(dict, entries)])
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        texts.read_classes(path)
    with pytest.raises(InputError, match="does not exist"):
        texts.read_classes("nowhere.json")
