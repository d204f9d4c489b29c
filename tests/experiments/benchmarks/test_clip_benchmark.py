"""The two sides of the CLIP_benchmark comparison, on a tiny corpus."""

import re

import pytest
import tiny_model as tiny
from samples import encode
from samples import smooth_pixels
from samples import write_tar

from experiments.benchmarks import clip_benchmark
from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.export import export_saved_model

COUNT = 12


@pytest.fixture
def arguments(tmp_path):
    """Flags that name an exported model and a tar of images."""
    members = []
    for index in range(COUNT):
        record = {
            "subgroup": f"group {index % 6}",
            "captions": [
                "shared",
                f"item {index}",
                f"item {index}",
                f"a {index}",
            ],
        }
        members += [
            (f"{index}.json", record),
            (f"{index}.png", encode(smooth_pixels(index))),
        ]
    write_tar(tmp_path / "all.tar", members)
    words = ["item group drawing emoji", " ".join(map(str, range(COUNT)))]
    tokenizer = SubwordTokenizer.train(words, 120, tiny.LENGTH)
    size = tokenizer.vocabulary_size
    model = tiny.make_model(make_text=lambda: tiny.make_text_encoder(8, size))
    export_saved_model(model, tokenizer, tiny.SIZE, tmp_path / "saved_model")
    return [
        f"--model={tmp_path / 'saved_model'}",
        f"--tars={tmp_path / '*.tar'}",
    ]


def test_prints_both_sides(run, arguments, monkeypatch, capsys):
    their = {}

    def run_theirs(task, folder, saved_model):
        # The layout that its reader of tars wants.
        names = {str(p.relative_to(folder)) for p in folder.rglob("*.t*")}
        their[task] = names
        return dict.fromkeys(clip_benchmark.METRICS[task], 0.25)

    monkeypatch.setattr(clip_benchmark, "run_clip_benchmark", run_theirs)
    run(clip_benchmark, *arguments)
    tar = {"test/0.tar", "test/nshards.txt"}
    assert their["zeroshot_retrieval"] == tar | {"dataset_type.txt"}
    assert their["zeroshot_classification"] == tar | {
        "classnames.txt",
        "zeroshot_classification_templates.txt",
    }
    out = capsys.readouterr().out
    assert len(re.findall(r"^\| \S+ \| 0\.2500000 \| [01]\.", out, re.M)) == 9
    # The caption of all images belongs to the first of them alone.
    assert f"{COUNT} images, {2 * COUNT + 1} captions" in out


def test_both_sides_agree(run, arguments, capfd):
    pytest.importorskip("torch")
    pytest.importorskip("clip_benchmark")
    run(clip_benchmark, *arguments)
    last = capfd.readouterr().out.splitlines()[-1]
    assert float(re.search(r"difference is ([\d.e-]+);", last).group(1)) < 1e-6
