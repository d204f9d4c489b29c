"""The parity benchmark on tiny models that its peers have written."""

import pathlib
import shutil

import numpy as np

from experiments.benchmarks import measuring
from experiments.benchmarks.parity import __main__ as parity
from experiments.benchmarks.parity import peers

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures"


def test_every_shape_and_library_has_a_row(run, monkeypatch, capsys):
    asked = []

    def call(function, threads, python, **case):
        """Stands in for the libraries, which are not installed."""
        asked.append((function.rpartition(":")[2], python))
        if "library" in case:
            family = "siglip" if "siglip_peers" in function else "clip"
            shutil.copytree(
                FIXTURES / family / case["library"],
                case["folder"],
                dirs_exist_ok=True,
            )
            # No photo is in the files: a small image stands in.
            path = pathlib.Path(case["folder"], "embeddings.npz")
            found = dict(np.load(path))
            photo = {"photo_pixels": found["images"][0]}
            np.savez(path, **found, **photo, photo=found["image"][:1])
            return "1.0"
        assert pathlib.Path(case["folder"], "model.safetensors").exists()
        return {"image": 2e-7, "text": 3e-7}

    monkeypatch.setattr(measuring, "call_in_process", call)
    run(parity, "--python=peers")
    write, compare = ("write", "peers"), ("compare", "peers")
    assert asked == [write, compare] * 4 + [write] * 2
    lines = capsys.readouterr().out.splitlines()[-6:]
    for line, library in zip(lines, parity.LIBRARIES * 3, strict=True):
        cells = line.strip("| ").split(" | ")
        assert cells[1] == f"{library} 1.0"
        # A SigLIP is not written back.
        measured = cells[2:5] if cells[0].startswith("SigLIP") else cells[2:]
        assert cells[2 + len(measured) :] == ["-"] * (5 - len(measured))
        assert all(float(cell) < 2e-6 for cell in measured)


def test_inputs_end_with_the_largest_id():
    images, tokens = peers.make_inputs(parity.B_32, seed=0)
    assert images.shape == (4, 224, 224, 3) and images.dtype == "uint8"
    assert tokens.argmax(axis=1).tolist() == [2, 4, 8, 76]
    assert set(tokens.max(axis=1)) == {49407}
