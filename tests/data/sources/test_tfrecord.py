import contextlib

import pytest
from format_files import example
from format_files import png
from format_files import write_records

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources.record_reader import RecordReader
from uniclip_keras.data.sources.stream import BrokenFileError
from uniclip_keras.data.sources.stream import Stream
from uniclip_keras.data.sources.tfrecord import TFRecords
from uniclip_keras.errors import InputError


def good(key, **features):
    image = {} if "png" in features else {"jpg": png(0)}
    fields = {"key": key.encode(), "txt": b"red heart", **image, **features}
    return example(**fields)


def keys_of(source, tally):
    return [sample["key"] for sample in source.samples(tally)]


def test_files_of_img2dataset_are_read(tmp_path):
    """Each record names its image after the format."""
    write_records(tmp_path / "00000.tfrecord", [good("a", width=9)])
    other = good("b", png=png(1), txt=b" two\n lines ")
    write_records(tmp_path / "00001.tfrecord.gz", [other])
    source = TFRecords(str(tmp_path))
    first, second = source.samples()
    assert (first["key"], first["image"]) == ("a", png(0))
    assert (second["key"], second["image"]) == ("b", png(1))
    assert (first["text"], second["text"]) == ("red heart", "two lines")


def test_fields_have_any_names_and_types(tmp_path):
    features = {"encoded": png(2), "lines": [b"one", b"two"], "item": b"x"}
    path = tmp_path / "a.tfrecord"
    write_records(path, [example(**features, n=-7), example(**features, n=8)])
    options = {"image_field": "encoded", "caption_field": "lines"}
    source = TFRecords(path, **options, key_field="n", id_field="item")
    first, second = source.samples()
    assert (first["key"], second["key"]) == ("-7", "8")
    assert first["image"] == png(2) and first["text"] == "one\ntwo"
    assert first["id"] == second["id"] > 2**32


def test_bad_records_are_counted_and_their_neighbors_kept(tmp_path):
    text, image = {"txt": b"red heart"}, {"jpg": png(0)}
    path = write_records(
        tmp_path / "a.tfrecord",
        [
            good("a", id=1),
            b"\xffno example",
            example(key=b"no image", **text, id=2),
            example(**image, id=3),
            example(key=b"no id", **text, **image),
            good("of floats", id=0.5),
            good("of another type", id=b"6"),
            good("empty", txt=b" ", id=7),
            good("z", id=8),
        ],
    )
    tally = BadSamples()
    source = TFRecords(path, id_field="id")
    assert keys_of(source, tally) == ["a", "of another type", "z"]
    assert tally.examples == {
        bad.UNREADABLE_METADATA: [f"{path}:1", "of floats"],
        bad.MISSING_IMAGE: ["no image"],
        bad.MISSING_TEXT: [f"{path}:3"],
        bad.MISSING_ID: ["no id"],
        bad.EMPTY_CAPTION: ["empty"],
    }
    assert tally.read == source.count() == 9


def test_broken_files_do_not_stop_the_others(tmp_path):
    contents = [good(f"{number}", png=png(number)) for number in range(4)]
    for name in ("a", "flipped", "z"):
        write_records(tmp_path / f"{name}.tfrecord", contents)
    write_records(tmp_path / "cut.tfrecord.gz", contents)
    whole = (tmp_path / "a.tfrecord").read_bytes()
    middle = len(whole) // 2 + 20
    flipped = bytearray(whole)
    flipped[middle] ^= 1
    gone = tmp_path / "gone.tfrecord"
    for path, content in (
        (tmp_path / "flipped.tfrecord", flipped),
        (tmp_path / "cut.tfrecord", whole[:middle]),
        (tmp_path / "cut.tfrecord.gz", None),
        (tmp_path / "junk.tfrecord", bytes(range(256))),
        (gone, whole),
    ):
        path.write_bytes(content or path.read_bytes()[:-20])
    source = TFRecords(tmp_path)
    assert source.count() == 4 + 2 + 3 + 4 + 4 + 0 + 4
    tally = BadSamples()
    found = keys_of(source, tally)
    good_ones = [*"0123", *"01", *"012", *"013", *"0123", *"0123"]
    assert found == good_ones
    # Junk of 256 bytes is about two records.
    lost = {bad.TRUNCATED_FILE: 1 + 1 + 2}
    flipped = f"{tmp_path}/flipped.tfrecord:2"
    assert tally.counts == {bad.CORRUPT_RECORD: 1, **lost}
    assert tally.examples[bad.CORRUPT_RECORD] == [flipped]
    cut = str(tmp_path / "cut.tfrecord")
    assert tally.examples[bad.TRUNCATED_FILE][0] == cut
    read = source.read(range(source.count()))
    assert [one["key"] for one in read if not one["problem"]] == good_ones
    gone.unlink()
    # The end of a run, and no lost samples.
    with pytest.raises(InputError, match="gone.tfrecord' cannot be read"):
        keys_of(source, tally)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 128])
def test_a_cut_is_noticed_anywhere(tmp_path, count):
    path = tmp_path / "a"
    write_records(path, [b"x"] * count)
    content = path.read_bytes()
    # Whole, without the last byte, and with a broken length behind it.
    endings = content, content[:-1], content + b"\xff" * 20
    for ending, expected in zip(endings, (0, -1, 0), strict=True):
        path.write_bytes(ending)
        for wanted in (True, False):
            reader, found = RecordReader(Stream(path)), 0
            with (
                pytest.raises(BrokenFileError)
                if ending != content
                else (contextlib.nullcontext())
            ):
                while (record := reader.read(wanted)) is not None:
                    assert record == (b"x" if wanted else b"")
                    found += 1
            assert found == count + expected


def test_errors_say_which_features_there_are(tmp_path):
    def refuse(contents, message, **options):
        path = tmp_path / "a.tfrecord"
        write_records(path, contents)
        with pytest.raises(InputError, match=message):
            TFRecords(path, **options)

    images = "'jpg' or 'png' or 'webp' \\(image_field\\): .* image, txt; name"
    refuse([example(txt=b"x", image=png(0))], images)
    found = "'caption' \\(caption_field\\): their fields are jpg, key, txt;"
    refuse([good("a")], found, caption_field="caption")
    refuse([good("a", id=0.5)], "'id' holds floats", id_field="id")
    refuse([b"\xffno example"], "are no tf.train.Example")
    (tmp_path / "junk.tfrecord").write_bytes(bytes(range(256)))
    with pytest.raises(InputError, match="None of the 1 files can be read as"):
        TFRecords(tmp_path / "junk.tfrecord")
