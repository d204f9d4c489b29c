import gzip
import json
import pathlib

import pytest
import tensorflow as tf
from samples import encode
from samples import sample_members
from samples import smooth_pixels
from samples import write_tar

from uniclip_keras.data import BadSamples
from uniclip_keras.data import WebDataset
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.texts import LONGEST_CAPTION
from uniclip_keras.data.sources.texts import stable_hash
from uniclip_keras.errors import InputError

IMAGE = encode(smooth_pixels(0))


@pytest.fixture(scope="module")
def two_tars(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tars")
    members = sample_members("k0", 0) + sample_members("k1", 1)
    write_tar(folder / "a-00000.tar", members)
    write_tar(folder / "a-00001.tar", sample_members("k2", 2, ("blue sky",)))
    return str(folder)


def keys_of(source, tally=None):
    return [sample["key"] for sample in source.samples(tally)]


def test_samples_have_all_fields(two_tars):
    source = WebDataset(two_tars, "captions", "id")
    samples = list(source.samples())
    texts = ["red heart\nrotes herz"] * 2 + ["blue sky"]
    assert [plain["text"] for plain in samples] == texts
    assert [plain["key"] for plain in samples] == ["k0", "k1", "k2"]
    assert samples[0]["image"] == encode(smooth_pixels(0))
    assert [plain["id"] for plain in samples] == [0, 1, 2]
    assert all(plain["is_name"] is False for plain in samples)
    assert all(plain["label"] == "" for plain in samples)
    assert all(plain["problem"] == "" for plain in samples)
    assert source.count() == 3
    # Without an id_field, equal captions share an id.
    ids = [sample["id"] for sample in WebDataset(two_tars).samples()]
    assert ids[0] == ids[1] == stable_hash("red heart") != ids[2]


def test_a_list_of_paths_keeps_its_order(two_tars):
    folder = pathlib.Path(two_tars)
    source = WebDataset([folder / "a-00001.tar", folder])
    assert keys_of(source) == ["k2", "k0", "k1"]


def test_compressed_tar(two_tars, tmp_path):
    packed = tmp_path / "b.tar.gz"
    plain = pathlib.Path(two_tars, "a-00000.tar")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    source = WebDataset(str(packed))
    assert keys_of(source) == ["k0", "k1"]
    assert source.count() == 2


def test_bad_samples_are_skipped_and_counted(tmp_path):
    path = write_tar(
        tmp_path / "mixed.tar",
        sample_members("good0")
        + [("blank.png", IMAGE), ("blank.txt", b" \n ")]
        + [("untold.png", IMAGE)]
        + [("unseen.txt", b"a caption")]
        + [("latin.png", IMAGE), ("latin.txt", "caf\xe9".encode("latin-1"))]
        + [("long.png", IMAGE), ("long.txt", b"x" * (LONGEST_CAPTION + 1))]
        + sample_members("good1"),
    )
    tally = BadSamples()
    source = WebDataset(path)
    assert keys_of(source, tally) == ["good0", "good1"]
    assert tally.examples == {
        bad.EMPTY_CAPTION: ["blank"],
        bad.MISSING_TEXT: ["untold"],
        bad.MISSING_IMAGE: ["unseen"],
        bad.UNREADABLE_TEXT: ["latin"],
        bad.OVERSIZE_CAPTION: ["long"],
    }
    assert tally.counts == dict.fromkeys(tally.examples, 1)
    assert (tally.read, tally.good, source.count()) == (7, 2, 7)


def test_missing_id_among_good_ones(tmp_path):
    path = write_tar(
        tmp_path / "ids.tar",
        sample_members("a", 4)
        + sample_members("b")[:2]
        + sample_members("c", 5)
        + [*sample_members("d")[:2], ("d.json", b"{")]
        + [*sample_members("e")[:2], ("e.json", {"id": [1]})],
    )
    tally = BadSamples()
    source = WebDataset(path, id_field="id")
    assert keys_of(source, tally) == ["a", "c"]
    assert tally.counts == {bad.MISSING_ID: 2, bad.UNREADABLE_METADATA: 1}


@pytest.mark.parametrize("kept", [0, 0.4, 0.5, 0.6, 0.95])
def test_truncated_tar_gives_what_is_whole(tmp_path, kept):
    samples = [member for n in range(8) for member in sample_members(f"k{n}")]
    path = pathlib.Path(write_tar(tmp_path / "a.tar", samples))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))] or b"junk")
    write_tar(tmp_path / "b.tar", sample_members("last"))
    tally = BadSamples()
    *keys, last = keys_of(WebDataset(tmp_path), tally)
    assert last == "last"
    assert keys == [f"k{n}" for n in range(len(keys))]
    assert len(keys) >= 2 if kept else not keys
    if kept < 0.9:
        # Only padding follows after 0.9.
        assert tally.counts[bad.TRUNCATED_FILE] == 1
        assert tally.examples == {bad.TRUNCATED_FILE: [str(path)]}


def write_labels(folder, labels, member="json"):
    """Writes a tar of images with labels, in the JSON or as .cls."""
    content = []
    for index, label in enumerate(labels):
        label = {"kind": label} if member == "json" else label
        content += [(f"k{index}.png", IMAGE), (f"k{index}.{member}", label)]
    return write_tar(folder / "t.tar", content)


def write_classes(folder, classes):
    path = folder / "classes.json"
    entries = [{"label": k, "texts": names} for k, names in classes.items()]
    path.write_text(json.dumps(entries))
    return str(path)


def test_labeled_samples_carry_the_names_of_their_class(tmp_path):
    path = write_labels(tmp_path, ["dog", "cat", "dog"])
    classes = {"cat": ["Cat"], "dog": [" a  Dog ", "hound", ""]}
    classes = write_classes(tmp_path, classes)
    source = WebDataset(path, label_field="kind", classes=classes)
    assert source.texts.classes == {"cat": ("Cat",), "dog": ("a Dog", "hound")}
    samples = list(source.samples())
    texts = ["a Dog\nhound", "Cat", "a Dog\nhound"]
    assert [sample["text"] for sample in samples] == texts
    assert all(sample["is_name"] is True for sample in samples)
    assert samples[0]["label"] == "dog"
    assert source.class_names == ("Cat", "a Dog", "hound")
    dog = stable_hash("a dog")
    ids = [dog, stable_hash("cat"), dog]
    assert [sample["id"] for sample in samples] == ids


@pytest.mark.parametrize("member", ["json", "cls"])
def test_labels_are_numbers_or_names(tmp_path, member):
    labels = [207, "n0", 7] if member == "json" else [b"207\n", b"n0", b"7"]
    path = write_labels(tmp_path, labels, member)
    classes = {7: ["seven"], "n0": ["none"], "207": ["dog"]}
    classes = write_classes(tmp_path, classes)
    field = "kind" if member == "json" else None
    source = WebDataset(path, classes=classes, label_field=field)
    texts = [sample["text"] for sample in source.samples()]
    assert texts == ["dog", "none", "seven"]


def test_bad_labels_are_skipped_and_counted(tmp_path):
    path = write_labels(tmp_path, ["wolf", "dog", None, "", "dog", "fox"])
    classes = write_classes(tmp_path, {"dog": ["dog"]})
    tally = BadSamples()
    source = WebDataset(path, label_field="kind", classes=classes)
    assert keys_of(source, tally) == ["k1", "k4"]
    assert tally.counts == {bad.UNKNOWN_LABEL: 2, bad.MISSING_LABEL: 2}
    assert tally.examples[bad.UNKNOWN_LABEL] == ["k0", "k5"]
    assert (tally.read, tally.good, source.count()) == (6, 2, 6)


def error_of(*args, **options):
    with pytest.raises(InputError) as error:
        WebDataset(*args, **options)
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text
    return text


def test_tars_without_good_samples(tmp_path):
    def refuse(members, **options):
        return error_of(write_tar(tmp_path / "t.tar", members), **options)

    image, caption, metadata = sample_members("a")
    text = refuse([image, metadata])
    assert "no usable field 'txt' (caption_field)" in text
    assert ".json, .png" in text and "captions, id" in text
    assert "has no images" in refuse([caption, metadata])
    classes = write_classes(tmp_path, {0: ["x"]})
    assert "has no images" in refuse([("a.cls", b"0")], classes=classes)
    text = refuse([("a.png", IMAGE), ("a.txt", b"")])
    assert "no good sample" in text and "1 empty caption" in text
    assert "is empty" in refuse([])
    (tmp_path / "t.tar").write_bytes(b"not a tar" * 200)
    text = error_of(str(tmp_path))
    assert "None of the 1 files can be read as WebDataset" in text


def test_unknown_fields_list_the_fields(two_tars, tmp_path):
    for option in ("id_field", "caption_field"):
        text = error_of(two_tars, **{option: "name"})
        assert f"'name' ({option})" in text and "captions, id;" in text
    path = write_labels(tmp_path, ["a"])
    classes = write_classes(tmp_path, {"a": ["a"]})
    text = error_of(path, classes=classes, label_field="class")
    assert "'class' (label_field)" in text and ".json, .png, kind;" in text
    assert "'cls' (label_field)" in error_of(path, classes=classes)


def test_labels_of_another_list(tmp_path):
    path = write_labels(tmp_path, ["n01", "n02"])
    classes = write_classes(tmp_path, {label: ["x"] for label in range(4)})
    text = error_of(path, label_field="kind", classes=classes)
    assert "'n01'" in text and "4 labels" in text and "'0', '1', '2'" in text
    assert classes in text


def test_remote_tars_are_read_like_local_ones(two_tars):
    names = [f"a-{number:05}.tar" for number in range(2)]
    for name in names:
        tf.io.gfile.makedirs("ram://tars")
        tf.io.gfile.copy(f"{two_tars}/{name}", f"ram://tars/{name}", True)
    paths = [f"ram://tars/{name}" for name in names]
    source = WebDataset(paths, "captions", "id")
    found = list(WebDataset(two_tars, "captions", "id").samples())
    assert source.read([2, 0, 1]) == [found[2], found[0], found[1]]
    assert list(source.samples()) == found
