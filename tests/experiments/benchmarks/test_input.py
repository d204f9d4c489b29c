"""The input benchmark on tiny photos: this package's side, and the protocol."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from experiments.benchmarks.input import __main__ as input_pipeline
from experiments.benchmarks.input import ours as input_pipeline_ours
from experiments.benchmarks.input import peers as input_pipeline_peers
from experiments.benchmarks.input.samples import captions
from uniclip_keras.errors import InputError


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        pixels = rng.integers(0, 256, [30, 50, 3], np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    return str(tmp_path / "*.png")


class OneProcess:
    """A side that answers in the test's own process."""

    def __init__(self, command):
        *_, name, _ = command
        self.ready = {"missing": "not in tests"}
        if name == "views":
            self.answer, self.ready = input_pipeline_ours.views()

    def __call__(self, order):
        return self.answer(order | {"size": 16})

    def close(self):
        pass


def test_table_and_file_of_this_package_alone(
    photos, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(input_pipeline, "Side", OneProcess)
    monkeypatch.setattr(input_pipeline_ours, "BATCH", 2)
    values = input_pipeline.flags.FlagValues()
    input_pipeline.define_flags(values)
    output = tmp_path / "results.json"
    values(
        [
            "test",
            f"--photos={photos}",
            "--sizes=40x24",
            "--samples=3",
            "--rounds=2",
            f"--output={output}",
        ]
    )
    input_pipeline.main([], values)
    printed = capsys.readouterr().out
    assert "| uniclip_keras | " in printed
    assert "torchvision is left out: not in tests." in printed
    ((name, least),) = json.loads(output.read_text())["views"].items()
    assert name.startswith("2 photos of 40 x 24 pixels")
    assert list(least) == ["uniclip_keras"]
    assert min(least["uniclip_keras"].values()) > 0


def test_photos_are_cut_to_size(photos, tmp_path):
    (tmp_path / "out").mkdir()
    found = sorted(input_pipeline.glob.glob(photos))
    order = input_pipeline.write_photos(found, (20, 12), tmp_path / "out")
    images = [Image.open(path) for path in order["paths"]]
    assert [(image.format, image.size) for image in images] == [
        ("JPEG", (20, 12))
    ] * 2
    assert order["bytes"] > 0


def test_tokens_are_counted():
    answer, _ = input_pipeline_ours.tokens()
    order = {"merges": ["a b", "ab c</w>"], "captions": ["abc", "ab"]}
    found = answer(order)
    # Start, "abc" and end; start, "ab" in two pieces and end.
    assert found["count"] == 3 + 4
    assert len(set(captions())) == len(captions()) > 1000


def test_a_process_answers_until_it_is_closed(tmp_path):
    script = tmp_path / "side.py"
    script.write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(input_pipeline.__file__)!r}"
        ".rpartition('/')[0])\n"
        "from input_pipeline_peers import serve\n"
        "def double():\n"
        "    print('noise')\n"
        "    return (lambda order: {'twice': 2 * order['number']}), {'a': 1}\n"
        "def absent():\n"
        "    import no_such_module\n"
        "serve({'double': double, 'absent': absent})\n"
    )
    side = input_pipeline.Side([sys.executable, str(script), "double", "0"])
    assert side.ready == {"a": 1}
    assert side({"number": 4}) == {"twice": 8}
    assert side({"number": 5}) == {"twice": 10}
    side.close()
    with pytest.raises((RuntimeError, ValueError)):
        side({"number": 6})
    side = input_pipeline.Side([sys.executable, str(script), "absent", "any"])
    assert "no_such_module" in side.ready["missing"]
    side.close()


def test_a_process_that_fails_is_named(tmp_path):
    (tmp_path / "side.py").write_text("raise SystemExit(3)")
    with pytest.raises(RuntimeError, match="side.py ended with status 3"):
        input_pipeline.Side([sys.executable, str(tmp_path / "side.py")])


def test_ratios_are_of_processor_time():
    turns = iter([(4.0, 9.0), (8.0, 8.0), (2.0, 5.0), (10.0, 8.0)])

    def side(order):
        cpu, wall = next(turns)
        return {"cpu": cpu, "wall": wall, "count": order["samples"]}

    sides = {"uniclip_keras": side, "missing": None, "other": side}
    least = input_pipeline.measure(sides, {"samples": 2}, rounds=2)
    assert least == {
        "uniclip_keras": {"cpu": 1.0, "wall": 2.5},
        "other": {"cpu": 4.0, "wall": 4.0},
    }
    table = input_pipeline.format_table("photos", "views", least)
    assert "| other | 0 | 0 | 4.00 |" in table


def test_peers_make_views_of_every_file():
    seen = []
    answer, _ = input_pipeline_peers.per_file(seen.append)
    assert answer({"paths": ["a", "b"], "samples": 3})["count"] == 9
    # The first one once more, before the clock starts.
    assert seen == ["a", "a", "b", "a"]


@pytest.mark.parametrize("size", ["500", "axb", "500x", "500*375", "0x8"])
def test_impossible_sizes(size, photos, monkeypatch):
    monkeypatch.setattr(input_pipeline, "Side", OneProcess)
    values = input_pipeline.flags.FlagValues()
    input_pipeline.define_flags(values)
    values(["test", f"--photos={photos}", f"--sizes={size}"])
    with pytest.raises(InputError, match="--sizes"):
        input_pipeline.main([], values)


def test_no_photos(tmp_path):
    values = input_pipeline.flags.FlagValues()
    input_pipeline.define_flags(values)
    values(["test", f"--photos={tmp_path}/*.jpg"])
    with pytest.raises(InputError, match="mate-backgrounds"):
        input_pipeline.main([], values)
