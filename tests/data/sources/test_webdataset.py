import gzip
import pathlib

import pytest
import tensorflow as tf

from uniclip_keras.data import BadSamples
from uniclip_keras.data import WebDataset
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.files import expand_braces
from uniclip_keras.data.sources.texts import LONGEST_CAPTION
from uniclip_keras.data.sources.texts import stable_hash
from uniclip_keras.errors import InputError


@pytest.fixture
def two_shards(write_tar, sample, tmp_path):
    write_tar("a-00000.tar", sample("k0", 0) + sample("k1", 1))
    write_tar("a-00001.tar", sample("k2", 2, ("blue sky",)))
    return str(tmp_path)


def keys_of(source, **options):
    return [e["key"].numpy().decode() for e in source.dataset(**options)]


@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("a.tar", ["a.tar"]),
        ("a-{08..11}.tar", ["a-08.tar", "a-09.tar", "a-10.tar", "a-11.tar"]),
        ("{x,y}-{0..1}", ["x-0", "x-1", "y-0", "y-1"]),
    ],
)
def test_braces(pattern, paths):
    assert expand_braces(pattern) == paths


@pytest.mark.parametrize(
    "pattern", ["", "/a-*.tar", "/a-{00000..00001}.tar", "/a-0000[01].tar"]
)
def test_folders_globs_and_braces_name_the_same_samples(two_shards, pattern):
    source = WebDataset(two_shards + pattern)
    assert keys_of(source) == ["k0", "k1", "k2"]
    assert source.count() == 3


def test_list_of_paths_takes_none_twice(two_shards):
    folder = pathlib.Path(two_shards)
    source = WebDataset([folder / "a-00001.tar", folder])
    assert keys_of(source) == ["k2", "k0", "k1"]


def test_dataset_and_samples_agree(two_shards, encode_image, pixels):
    source = WebDataset(two_shards, "captions", "id")
    samples = list(source.samples())
    for element, plain in zip(source.dataset(), samples, strict=True):
        assert element["key"].numpy().decode() == plain["key"]
        assert element["image"].numpy() == plain["image"]
        assert element["text"].numpy().decode() == plain["text"]
        assert element["id"].numpy() == plain["id"]
        assert not element["is_name"].numpy() and not plain["is_name"]
        assert element["label"].numpy() == b"" and plain["label"] == ""
    assert [plain["text"] for plain in samples] == [
        "red heart\nrotes herz", "red heart\nrotes herz", "blue sky",
    ]  # fmt: skip
    assert samples[0]["image"] == encode_image(pixels(0))
    assert [plain["id"] for plain in samples] == [0, 1, 2]


def test_without_id_field_equal_captions_share_an_id(two_shards):
    ids = [s["id"] for s in WebDataset(two_shards).samples()]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0] == stable_hash("red heart") == 5677511681885013471


def test_string_ids_are_hashed_into_63_bits(write_tar, sample):
    members = []
    for key, item in (("a", "1f600"), ("b", "1f600"), ("c", "x")):
        members += sample(key)[:2] + [(f"{key}.json", {"item": item})]
    path = write_tar("s.tar", members)
    ids = [s["id"] for s in WebDataset(path, id_field="item").samples()]
    assert ids[0] == ids[1] != ids[2]
    assert all(0 <= number < 2**63 for number in ids)
    in_dataset = [
        int(e["id"]) for e in WebDataset(path, id_field="item").dataset()
    ]
    assert in_dataset == ids


def test_captions_share_an_id_whatever_their_case(write_tar, sample):
    captions = [("Red  Heart ",), ("red heart",), ("red hearts",)]
    members = [m for i, c in enumerate(captions) for m in sample(f"{i}", i, c)]
    ids = [s["id"] for s in WebDataset(write_tar("t.tar", members)).samples()]
    assert ids[0] == ids[1] == stable_hash("red heart") != ids[2]


def test_shuffled_pass_holds_the_same_samples(write_tar, sample, tmp_path):
    for shard in range(6):
        write_tar(f"{shard}.tar", sample(f"k{shard}"))
    source = WebDataset(str(tmp_path))
    order = keys_of(source, seed=3, shuffle=True)
    assert sorted(order) == keys_of(source)
    assert order != keys_of(source)
    assert order == keys_of(source, seed=3, shuffle=True)
    assert order != keys_of(source, seed=4, shuffle=True)


def test_compressed_tar(write_tar, sample, tmp_path):
    plain = pathlib.Path(write_tar("a.tar", sample("k0") + sample("k1")))
    packed = tmp_path / "b.tar.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    source = WebDataset(str(packed))
    assert keys_of(source) == ["k0", "k1"]
    assert source.count() == 2


def test_bad_samples_are_skipped_and_counted(write_tar, sample):
    image = sample("x")[0][1]
    path = write_tar(
        "mixed.tar",
        sample("good0")
        + [("blank.png", image), ("blank.txt", b" \n ")]
        + [("untold.png", image)]
        + [("unseen.txt", b"a caption")]
        + [("latin.png", image), ("latin.txt", "caf\xe9".encode("latin-1"))]
        + [("long.png", image), ("long.txt", b"x" * (LONGEST_CAPTION + 1))]
        + sample("good1"),
    )
    tally = BadSamples()
    source = WebDataset(path)
    assert keys_of(source, bad_samples=tally) == ["good0", "good1"]
    assert tally.counts == {
        bad.EMPTY_CAPTION: 1,
        bad.MISSING_TEXT: 1,
        bad.MISSING_IMAGE: 1,
        bad.UNREADABLE_TEXT: 1,
        bad.OVERSIZE_CAPTION: 1,
    }
    assert tally.examples[bad.EMPTY_CAPTION] == ["blank"]
    assert (tally.read, tally.good) == (7, 2)
    assert source.count() == 7


def test_missing_id_among_good_ones(write_tar, sample):
    path = write_tar(
        "ids.tar",
        sample("a", 4)
        + sample("b")[:2]
        + sample("c", 5)
        + [*sample("d")[:2], ("d.json", b"{")]
        + [*sample("e")[:2], ("e.json", {"id": [1]})],
    )
    tally = BadSamples()
    source = WebDataset(path, id_field="id")
    assert keys_of(source, bad_samples=tally) == ["a", "c"]
    assert tally.counts == {bad.MISSING_ID: 2, bad.UNREADABLE_METADATA: 1}


@pytest.mark.parametrize("kept", [0.4, 0.5, 0.6, 0.95])
def test_truncated_tar_gives_what_is_whole(write_tar, sample, tmp_path, kept):
    members = [m for n in range(8) for m in sample(f"k{n}")]
    path = pathlib.Path(write_tar("a.tar", members))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    write_tar("b.tar", sample("last"))
    tally = BadSamples()
    keys = keys_of(WebDataset(str(tmp_path)), bad_samples=tally)
    assert keys[-1] == "last"
    assert keys[:-1] == [f"k{n}" for n in range(len(keys) - 1)]
    assert len(keys) - 1 >= 2
    if kept < 0.9:
        # Behind 0.9 lies the padding of the end.
        assert tally.counts[bad.TRUNCATED_FILE] == 1
        assert tally.examples[bad.TRUNCATED_FILE] == [str(path)]


def error_of(*args, **options):
    with pytest.raises(InputError) as error:
        WebDataset(*args, **options)
    text = str(error.value)
    assert text.endswith(".") and "\n" not in text
    return text


def test_missing_folder(tmp_path):
    text = error_of(f"{tmp_path}/nowhere/train-*.tar")
    assert "nowhere' of" in text and "does not exist" in text


def test_empty_folder(tmp_path):
    assert "holds no .tar file" in error_of(str(tmp_path))


def test_pattern_without_match(two_shards):
    text = error_of(f"{two_shards}/test-*.tar")
    assert "No file matches" in text and "test-*.tar" in text


def test_one_missing_shard_of_a_brace_is_named(two_shards):
    assert "a-00002.tar" in error_of(f"{two_shards}/a-{{00000..00002}}.tar")


def test_no_patterns():
    assert "list of paths is empty" in error_of([])


def test_tar_without_texts(write_tar, sample):
    path = write_tar("t.tar", [sample("a")[0], sample("a")[2]])
    text = error_of(path)
    assert "no usable field 'txt' (caption_field)" in text
    assert ".json, .png" in text and "captions, id" in text


def test_tar_without_images(write_tar, sample):
    path = write_tar("t.tar", sample("a")[1:])
    assert "has no images" in error_of(path)


@pytest.mark.parametrize("option", ["id_field", "caption_field"])
def test_unknown_field_lists_the_fields(two_shards, option):
    text = error_of(two_shards, **{option: "name"})
    assert f"'name' ({option})" in text and "captions, id;" in text


def test_only_empty_captions(write_tar, sample):
    path = write_tar("t.tar", [sample("a")[0], ("a.txt", b"")])
    text = error_of(path)
    assert "no good sample" in text and "1 empty caption" in text


def test_empty_tar(write_tar):
    assert "is empty" in error_of(write_tar("t.tar", []))


def test_no_tar_at_all(tmp_path):
    (tmp_path / "t.tar").write_bytes(b"not a tar" * 200)
    assert "None of the 1 tars can be read" in error_of(str(tmp_path))


def test_unreadable_first_shard_does_not_stop_the_others(two_shards):
    pathlib.Path(two_shards, "a-00000.tar").write_bytes(b"junk")
    tally = BadSamples()
    assert keys_of(WebDataset(two_shards), bad_samples=tally) == ["k2"]
    assert tally.counts == {bad.TRUNCATED_FILE: 1}


def test_element_spec(two_shards):
    spec = WebDataset(two_shards).dataset().element_spec
    assert spec["id"] == tf.TensorSpec([], tf.int64)
    assert spec["image"] == tf.TensorSpec([], tf.string)
