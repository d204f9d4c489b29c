"""Shards of reproducible bytes."""

import tarfile

from experiments.corpora import files


def test_shards_are_split_and_carry_no_time_or_owner(tmp_path):
    samples = [(f"key{n}", {"txt": b"a", "png": b"b"}) for n in range(5)]
    sizes = files.write_shards(tmp_path, "train", iter(samples), shard_size=2)
    assert list(sizes) == [f"train-0000{n}.tar" for n in range(3)]
    with tarfile.open(tmp_path / "train-00002.tar") as archive:
        members = archive.getmembers()
    assert [member.name for member in members] == ["key4.png", "key4.txt"]
    for member in members:
        assert (member.mtime, member.uid, member.gid) == (0, 0, 0)
