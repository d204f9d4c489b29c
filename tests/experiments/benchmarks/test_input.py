"""The input benchmark on tiny photos: its sides, turns and tables."""

import glob
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from experiments.benchmarks import measuring
from experiments.benchmarks.input import __main__ as benchmark
from experiments.benchmarks.input import sides
from experiments.benchmarks.input.samples import captions
from experiments.benchmarks.input.samples import write_photos
from uniclip_keras.errors import InputError


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        pixels = rng.integers(0, 256, [30, 50, 3], np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    return str(tmp_path / "*.png")


def test_table_and_file_of_this_package_alone(
    run, photos, tmp_path, monkeypatch, capsys
):
    def call(function, threads, core, python, **case):
        """Measures in the test's own process, at a tiny size."""
        module, function = function.split(":")
        assert module == sides.__name__
        if case.get("side") == sides.OURS:
            case["order"] = case["order"] | {"size": 16}
        return getattr(sides, function)(**case)

    monkeypatch.setattr(measuring, "call_in_process", call)
    monkeypatch.setattr(sides, "BATCH", 2)
    for library in ("torch", "albumentations", "open_clip"):
        monkeypatch.setitem(sys.modules, library, None)
    output = tmp_path / "results.json"
    where = f"--photos={photos}", f"--output={output}"
    small = "--sizes=40x24,20x12", "--samples=3", "--rounds=1"
    run(benchmark, *where, *small)
    printed = capsys.readouterr().out
    assert printed.count("| uniclip_keras | ") == 2
    for library in ("torchvision", "albumentations", "open_clip"):
        assert printed.count(f"{library} is left out: ") == 1
    (name, least), (second, _) = json.loads(output.read_text())["views"].items()
    assert name.startswith("2 photos of 40 x 24 pixels")
    assert second.startswith("2 photos of 20 x 12 pixels")
    assert list(least) == ["uniclip_keras"]
    assert min(least["uniclip_keras"].values()) > 0


def test_photos_are_cut_to_size(photos, tmp_path):
    order = write_photos(sorted(glob.glob(photos)), (20, 12), tmp_path)
    for path in order["paths"]:
        image = Image.open(path)
        assert (image.format, image.size) == ("JPEG", (20, 12))
    assert len(order["paths"]) == 2
    assert order["bytes"] > 0


def test_rounds_count_tokens_and_views():
    one_round = sides.clip_tokenizer(["abc", "ab"], ["a b", "ab c</w>"])
    # Start, "abc" and end; start, "ab" in two pieces and end.
    assert one_round() == 3 + 4
    assert len(set(captions())) == len(captions()) > 1000
    seen = []
    assert sides.round_over_files(seen.append, ["a", "b"], 3)() == 9
    assert seen == ["a", "b", "a"]


def test_costs_are_per_view_and_warm(monkeypatch):
    rounds = []

    def side(samples):
        return lambda: rounds.append("round") or samples

    monkeypatch.setitem(sides.SIDES["views"], "side", side)
    monkeypatch.setattr(measuring, "timed", lambda call: (9.0, 4.0, call()))
    cost = sides.measure("views", "side", {"samples": 2})
    assert cost == {"cpu": 2.0, "wall": 4.5}
    assert len(rounds) == 2


def test_the_least_of_the_turns_counts(monkeypatch, capsys):
    turns = iter([(2.0, 4.5), (4.0, 4.0), (1.0, 2.5), (5.0, 4.0)])

    def call(function, threads, core, python, side, **case):
        assert python == (sys.executable if side == sides.OURS else "peers")
        if side == "absent":
            return {"missing": "no such module"}
        return dict(zip(("cpu", "wall"), next(turns), strict=True))

    monkeypatch.setattr(measuring, "call_in_process", call)
    options = SimpleNamespace(rounds=2, python="peers", core=0)
    names = ["uniclip_keras", "absent", "other"]
    least = benchmark.take_turns("views", names, {}, options)
    assert least == {
        "uniclip_keras": {"cpu": 1.0, "wall": 2.5},
        "other": {"cpu": 4.0, "wall": 4.0},
    }
    assert "absent is left out: no such module." in capsys.readouterr().out
    table = benchmark.format_table("photos", "views", least)
    assert "| other | 0 | 0 | 4.00 |" in table


def test_impossible_photos_and_sizes(photos, run):
    with pytest.raises(InputError, match="mate-backgrounds"):
        run(benchmark, f"--photos={photos}.jpg")
    for size in ("500", "axb", "500x", "500*375", "0x8"):
        with pytest.raises(InputError, match="--sizes"):
            run(benchmark, f"--photos={photos}", f"--sizes={size}")
