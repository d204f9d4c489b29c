import json
import os
import pathlib

import pyarrow
import pyarrow.parquet
import pytest
import tensorflow as tf
from format_files import png

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.sources import stream
from uniclip_keras.data.sources import table
from uniclip_keras.data.sources.table import Table
from uniclip_keras.errors import InputError


@pytest.fixture(autouse=True)
def images(tmp_path):
    """Puts the images of numbers 0 to 2 beside the tables."""
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(png(number))


def test_csv_of_other_programs_is_read(tmp_path):
    """Byte order mark, quoted newlines and quotes, Windows line ends."""
    path = tmp_path / "a.csv"
    path.write_bytes(
        b"\xef\xbb\xbffilepath,title\r\n"
        b'0.png,"one, of\r\n ""two"" lines"\r\n'
        b"\r\n"
        b"1.png,caf\xc3\xa9,\r\n"
    )
    source = Table(path)
    first, second = source.samples()
    assert (first["text"], second["text"]) == ('one, of "two" lines', "café")
    assert first["key"] == str(tmp_path / "0.png")
    assert second["image"] == png(1)
    assert source.count() == 2


def test_bad_tsv_rows_are_counted_and_the_rest_is_kept(tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "folder.png").mkdir()
    path = tmp_path / "a.tsv"
    rows = [
        b"image\tcaption\tid",
        b"0.png\tone\t1",
        b"none.png\tno such file\t2",
        b"empty.png\tno image\t3",
        b"folder.png\tno file\t4",
        b"\tno path\t5",
        b"1.png\t\t6",
        b"1.png\tcut \xff off\t7",
        b"1.png\tno id\t",
        b"1.png",
        b"1.png\ttoo\t9\tmany",
        b'1.png\t"unclosed\t10' + b"x" * 150_000,
        b"2.png\tlast\tabc",
    ]
    path.write_bytes(b"\n".join(rows) + b"\n")
    source = Table(path, id_field="id")
    tally = BadSamples()
    texts = [sample["text"] for sample in source.samples(tally)]
    assert texts == ["one", "last"]
    assert tally.read == source.count() == 12

    missing = ("none.png", "empty.png", "folder.png")
    one = [str(tmp_path / "1.png")]
    assert tally.examples == {
        bad.MISSING_IMAGE: [str(tmp_path / name) for name in missing],
        bad.EMPTY_CAPTION: one,
        bad.UNREADABLE_TEXT: one,
        bad.MISSING_ID: one,
        bad.MISSING_TEXT: one,
        bad.UNREADABLE_METADATA: [f"{path}:11", f"{path}:12"],
    }
    assert tally.counts[bad.MISSING_IMAGE] == 4


def test_json_lines_and_parquet_hold_lists_and_gaps(tmp_path):
    rows = [
        {"image": "0.png", "text": ["a  b", "", "c"], "id": 2.0},
        {"image": "1.png", "text": None, "id": 3.0},
        {"image": "1.png", "text": ["d"], "id": None},
        {"image": None, "text": ["e"], "id": 4.0},
        {"image": "1.png", "text": ["f"], "id": float("nan")},
        {"image": "2.png", "text": ["g"], "id": 5.0},
    ]
    lines = [json.dumps(row) for row in rows]
    lines[3:3] = ["", "[1]", '{"image": "1.png", "te', "\xff"]
    odd = {"image": "1.png", "text": {"en": "h"}, "id": True}
    lines += [json.dumps(odd), json.dumps({**odd, "text": "\ud800"})]
    json_path = tmp_path / "a.jsonl"
    json_path.write_text("\n".join(lines), encoding="latin-1")
    parquet_path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), parquet_path)
    counts = {bad.MISSING_TEXT: 1, bad.MISSING_ID: 2, bad.MISSING_IMAGE: 1}
    more_in_json = {bad.UNREADABLE_METADATA: 3, bad.UNREADABLE_TEXT: 2}
    cases = ((parquet_path, {}, 6), (json_path, more_in_json, 11))
    for path, more, there in cases:
        tally = BadSamples()
        source = Table(path, id_field="id")
        found = list(source.samples(tally))
        assert [row["text"] for row in found] == ["a b\nc", "g"]
        assert [row["id"] for row in found] == [2, 5]
        assert tally.counts == {**counts, **more}
        assert tally.read == source.count() == there
    assert tally.examples[bad.UNREADABLE_METADATA] == [
        f"{json_path}:{line}" for line in (5, 6, 7)
    ]


def test_images_are_found_from_any_folder(tmp_path):
    """Two tables in one folder name images in others."""
    tables = tmp_path / "tables"
    tables.mkdir()
    absolute, remote = tmp_path / "1.png", "ram://table/2.png"
    with tf.io.gfile.GFile(remote, "wb") as file:
        file.write(png(2))
    (tables / "a.csv").write_text(f"image,text\n./0.png,a\n{absolute},b\n")
    (tables / "b.tsv").write_text(f"text\tpath\nc\t{remote}\n")
    source = Table(tables, image_folder=pathlib.Path(tmp_path))
    found = list(source.samples())
    assert [row["text"] for row in found] == ["a", "b", "c"]
    assert [row["image"] for row in found] == [png(0), png(1), png(2)]


def test_samples_keep_the_order_of_the_rows(tmp_path):
    path = tmp_path / "a.csv"
    rows = [f"{number % 3}.png,{number}" for number in range(300)]
    path.write_text("\n".join(["image,text", *rows]))
    source = Table(path)
    texts = [sample["text"] for sample in source.samples()]
    assert texts == [str(number) for number in range(300)]
    assert source.chunks().tolist() == list(range(301))
    # From a row to its image by number.
    some = source.read([299, 0, 299, 7])
    assert [sample["text"] for sample in some] == ["299", "0", "299", "7"]
    assert some[0]["image"] == png(2)


def test_only_regular_files_are_images(tmp_path, monkeypatch):
    """Pipes and devices are never opened."""
    monkeypatch.setattr(stream, "MAX_BYTES", 10_000)
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    (tmp_path / "huge.png").write_bytes(bytes(10_001))
    names = ["0.png", "/dev/zero", "zero.png", "pipe.png", ".", "huge.png"]
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{name},x\n" for name in ["image", *names]))
    path.write_text(path.read_text().replace("image,x", "image,text"))
    tally = BadSamples()
    (good,) = Table(path).samples(tally)
    assert good["image"] == png(0)
    assert tally.counts == {bad.MISSING_IMAGE: 4, bad.OVERSIZE_IMAGE: 1}


def test_an_endless_line_is_one_bad_row(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "_LONGEST_LINE", 1000)
    row = {"image": "1.png", "text": "b"}
    lines = [
        json.dumps({**row, "image": "0.png"}),
        json.dumps({**row, "more": "x" * 5000}),
        json.dumps(row),
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    rows = ["image,text", "0.png,a", "1.png,b" + "x" * 5000, "1.png,c"]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    for name in ("a.jsonl", "a.csv"):
        tally = BadSamples()
        images = [row["image"] for row in Table(tmp_path / name).samples(tally)]
        assert images == [png(0), png(1)]
        assert tally.counts == {bad.UNREADABLE_METADATA: 1}
        assert tally.read == 3


def test_errors_say_what_is_wrong(tmp_path):
    def refuse(name, content, message, **options):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=message):
            Table(tmp_path / name, **options)

    url = "image,text\nhttps://x/y.png,z"
    first = "beginning with 'https://x/y.png': give their .* image_folder"
    refuse("a.csv", "url,text\nx,y", "'path' \\(image_field\\): .* text, url")
    refuse("a.csv", "image,alt\n0.png,y", "'description' \\(caption_field\\)")
    found = "'alt' \\(caption_field\\): their fields are image, text; name"
    json_row = '{"image": "0.png", "text": "y"}'
    refuse("a.jsonl", json_row, found, caption_field="alt")
    refuse("a.csv", url, first)
    refuse("a.csv", "image,text\n", "is empty")
    refuse("a.parquet", "no table", "cannot be read as Parquet")
    refuse("a.txt", "x", "is no table: allowed are .csv, .tsv, .jsonl")
    fields = {"label_field": "text", "caption_field": "text"}
    refuse("a.csv", "image,text\n0.png,y", "leave out caption", **fields)
