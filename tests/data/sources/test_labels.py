import json

import pytest

from uniclip_keras.data import BadSamples
from uniclip_keras.data import WebDataset
from uniclip_keras.data.bad_samples import MISSING_LABEL
from uniclip_keras.data.bad_samples import UNKNOWN_LABEL
from uniclip_keras.data.sources.texts import read_classes
from uniclip_keras.data.sources.texts import stable_hash
from uniclip_keras.errors import InputError


@pytest.fixture
def write_classes(tmp_path):
    """Writes a class list, given as it is or as {label: texts}."""

    def write(content, name="classes.json"):
        if isinstance(content, dict):
            content = [
                {"label": label, "texts": texts}
                for label, texts in content.items()
            ]
        if not isinstance(content, str):
            content = json.dumps(content)
        (tmp_path / name).write_text(content)
        return str(tmp_path / name)

    return write


@pytest.fixture
def labelled_tar(write_tar, sample):
    """Writes a tar of images with the labels given, in the JSON or as .cls."""

    def write(name, labels, member="json"):
        members = []
        for place, label in enumerate(labels):
            image, *_ = sample(f"k{place}", place)
            content = {"kind": label} if member == "json" else label
            members += [image, (f"k{place}.{member}", content)]
        return write_tar(name, members)

    return write


def labelled(tar, classes, label_field=None):
    return WebDataset(tar, classes=classes, label_field=label_field)


def ids_of(*args, **options):
    return [s["id"] for s in labelled(*args, **options).samples()]


def test_samples_carry_the_names_of_their_class(labelled_tar, write_classes):
    tar = labelled_tar("t.tar", ["dog", "cat", "dog"])
    classes = write_classes({"cat": ["Cat"], "dog": [" a  Dog ", "hound", ""]})
    source = labelled(tar, classes, label_field="kind")
    assert source.texts.classes == {"cat": ("Cat",), "dog": ("a Dog", "hound")}
    samples = list(source.samples())
    assert [s["text"] for s in samples] == ["a Dog\nhound", "Cat"] + [
        "a Dog\nhound"
    ]
    assert all(s["is_name"] is True for s in samples)
    assert samples[0]["label"] == "dog"
    assert source.class_names == ("Cat", "a Dog", "hound")
    dog = stable_hash("a dog")
    assert [s["id"] for s in samples] == [dog, stable_hash("cat"), dog]
    for element, plain in zip(source.dataset(), samples, strict=True):
        assert element["text"].numpy().decode() == plain["text"]
        assert element["is_name"].numpy()
        assert element["id"].numpy() == plain["id"]
    spec = source.dataset().element_spec
    assert spec == WebDataset(tar, caption_field="kind").dataset().element_spec


@pytest.mark.parametrize("member", ["json", "cls"])
def test_labels_are_numbers_or_names(labelled_tar, write_classes, member):
    labels = [207, "n0", 7] if member == "json" else [b"207\n", b"n0", b"7"]
    tar = labelled_tar("t.tar", labels, member)
    classes = write_classes({7: ["seven"], "n0": ["none"], "207": ["dog"]})
    field = "kind" if member == "json" else None
    source = WebDataset(tar, classes=classes, label_field=field)
    texts = [s["text"] for s in source.samples()]
    assert texts == ["dog", "none", "seven"]


def test_ids_meet_by_content(labelled_tar, write_classes, write_tar, sample):
    one = write_classes(
        {0: ["Dog", "hound"], 1: ["crane"], 2: ["Crane", "hoist"]}
    )
    two = write_classes({"d": ["dog", "puppy"], "e": ["hound"]}, "two.json")
    dog, bow, knot = ids_of(
        labelled_tar("1.tar", [0, 1, 2]), one, label_field="kind"
    )
    # The same class of another set, with another label and other synonyms.
    same, hound = ids_of(
        labelled_tar("2.tar", [b"d", b"e"], "cls"), two, label_field=None
    )
    assert same == dog and hound != dog
    assert bow == knot
    pairs = WebDataset(
        write_tar(
            "3.tar", sample("a", 0, (" DOG ",)) + sample("b", 1, ("dogs",))
        )
    )
    caption, other = (s["id"] for s in pairs.samples())
    assert caption == dog != other


def test_bad_labels_are_skipped_and_counted(labelled_tar, write_classes):
    tar = labelled_tar("t.tar", ["wolf", "dog", None, "", "dog", "fox"])
    tally = BadSamples()
    source = labelled(tar, write_classes({"dog": ["dog"]}), "kind")
    elements = list(source.dataset(bad_samples=tally))
    assert [e["key"].numpy() for e in elements] == [b"k1", b"k4"]
    assert tally.counts == {UNKNOWN_LABEL: 2, MISSING_LABEL: 2}
    assert tally.examples[UNKNOWN_LABEL] == ["k0", "k5"]
    assert (tally.read, tally.good, source.count()) == (6, 2, 6)


def error_of(*args, **options):
    with pytest.raises(InputError) as error:
        labelled(*args, **options)
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text
    return text


def test_unknown_field_lists_the_fields(labelled_tar, write_classes):
    tar, classes = labelled_tar("t.tar", ["a"]), write_classes({"a": ["a"]})
    text = error_of(tar, classes, label_field="class")
    assert "'class' (label_field)" in text and ".json, .png, kind;" in text
    text = error_of(tar, classes)
    assert "'cls' (label_field)" in text


def test_labels_of_another_list(labelled_tar, write_classes):
    tar = labelled_tar("t.tar", ["n01", "n02"])
    classes = write_classes({label: ["x"] for label in range(4)})
    text = error_of(tar, classes, label_field="kind")
    assert "'n01'" in text and "4 labels" in text and "'0', '1', '2'" in text
    assert classes in text


def test_tar_without_images(write_tar, write_classes):
    tar = write_tar("t.tar", [("a.cls", b"0")])
    assert "has no images" in error_of(tar, write_classes({0: ["x"]}))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "holds no classes"),
        ([], "holds no classes"),
        ([{"label": 1}], "holds no classes"),
        (["dog"], "holds no classes"),
        ({"a": ["x"], "b": []}, "'b' .* at least one name"),
        ({"a": "dog"}, "'a' .* texts 'dog'"),
        ({"a": [" ", ""]}, "'a' .* at least one name"),
        (
            [{"label": 1, "texts": ["x"]}, {"label": "1", "texts": ["y"]}],
            "'1' appears twice",
        ),
    ],
)
def test_class_lists_that_cannot_be_used(write_classes, content, words):
    with pytest.raises(InputError, match=words):
        read_classes(write_classes(content))


def test_missing_class_list(labelled_tar):
    tar = labelled_tar("t.tar", ["a"])
    assert "does not exist" in error_of(tar, "nowhere.json", "kind")
