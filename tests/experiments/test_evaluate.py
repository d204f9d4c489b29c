"""`evaluate`: results.json, the report, the table, and any set or model."""

import dataclasses
import json

import numpy as np
import pytest
import samples
from shapes import SHAPES
from shapes import draw
from tiny_corpus import COLORS

from experiments import evaluate as command
from experiments import export
from experiments.evaluate import evaluate
from experiments.evaluate import evaluate_subject
from experiments.evaluation import pixels
from experiments.evaluation import storage
from experiments.evaluation.subject import load_checkpoint
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import StreamingEmbedder
from uniclip_keras.training import read_history


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """Folders of classes that a class list numbers."""
    folder = tmp_path_factory.mktemp("imagenet")
    for number, shape in enumerate(SHAPES):
        (folder / f"val/{number}").mkdir(parents=True)
        for color, rgb in COLORS.items():
            image = samples.encode(draw(rgb, shape))
            (folder / f"val/{number}/{color}.png").write_bytes(image)
    (folder / "val/0/broken.png").write_bytes(image[:40])
    classes = [{"label": i, "texts": [s]} for i, s in enumerate(SHAPES)]
    (folder / "classes.json").write_text(json.dumps(classes))
    return folder


def test_results_report_and_table(trained, capsys):
    _, workdir = trained
    results = evaluate(workdir, "best")
    assert json.loads((workdir / "results.json").read_text()) == results
    rows = read_history(workdir / "validation.jsonl")
    best = min(rows, key=lambda row: row["validation/loss"])
    assert results["run"]["steps"] == best["step"]
    description = results["run"]["description"]
    assert description == "UniCLIP, 6 pairs x 2 views per step."
    retrieval = results["retrieval"]["test"]["image_to_text"]
    assert retrieval["n"] == 9
    assert retrieval["chance"]["R@1"] == pytest.approx(1 / 9)
    assert results["zero_shot"]["test/groups"]["n"] == 9
    check = results["augmentation_check"]
    assert check["loss"] != check["loss_shuffled"]
    assert results["failed"] == {}
    page = (workdir / "report.html").read_text()
    assert "red dot" in page
    # The curves of the validation.
    assert "text to image, R@5" in page and "validation <b>" in page
    assert "data:image/png" in page
    out = capsys.readouterr().out
    assert "test, image to text" in out and "95 % interval" in out
    assert str(workdir / "report.html") in out


def test_what_is_kept_is_used_again(trained, tmp_path, monkeypatch):
    config, workdir = trained
    subject = load_checkpoint(workdir)
    results = evaluate_subject(subject, tmp_path, config.evaluation).values
    ways = storage.read_scores(tmp_path, "test")
    assert set(ways) == {"image_to_text", "text_to_image"}
    for way, (items, scores) in ways.items():
        found = results["retrieval"]["test"][way]
        assert len(items) == found["n"] == 9
        low, high = found["intervals"]["R@1"]
        assert low <= found["R@1"] == scores["R@1"].value() <= high
    images = storage.read(tmp_path, "test/groups")
    assert images["images/embeddings"].shape == (9, 12)

    def embed(self, *arguments):
        raise AssertionError("images are embedded again")

    monkeypatch.setattr(StreamingEmbedder, "embed", embed)
    again = evaluate_subject(subject, tmp_path, config.evaluation).values
    assert again["retrieval"] == results["retrieval"]
    assert again["zero_shot"] == results["zero_shot"]
    # Another checkpoint's are not used.
    about = subject.about | {"weights": "others"}
    subject = dataclasses.replace(subject, about=about)
    with pytest.raises(AssertionError, match="embedded again"):
        evaluate_subject(subject, tmp_path, config.evaluation)
    # Half a file is none.
    (tmp_path / "evaluation/test.npz").write_bytes(b"PK")
    assert storage.read(tmp_path, "test") == {}


def test_a_part_that_cannot_run_costs_no_other(copied, run_command):
    _, workdir = copied
    path = workdir / "config.json"
    config = json.loads(path.read_text())
    config["data"]["train"]["all"]["path"] = "gone-*.tar"
    config["evaluation"]["zero_shot"]["test/groups"]["classes"] = "gone.json"
    path.write_text(json.dumps(config))
    status, stdout, stderr = run_command(command, f"--workdir={workdir}")
    assert status == 2 and "2 parts of the evaluation could not run" in stderr
    assert "augmentation check could not run: " in stdout
    results = json.loads((workdir / "results.json").read_text())
    assert set(results["failed"]) == {
        "augmentation check",
        "zero-shot: test/groups",
    }
    assert "gone-*.tar" in results["failed"]["augmentation check"]
    assert results["retrieval"]["test"]["image_to_text"]["n"] == 9
    assert not results["zero_shot"]
    assert "gone.json" in (workdir / "report.html").read_text()


def test_any_set_and_a_saved_model(copied, imagenet, tmp_path, run_command):
    _, workdir = copied
    flags = [
        f"--images=folders:{imagenet}/val",
        f"--classes={imagenet}/classes.json",
        "--embeddings=parquet",
    ]
    status, stdout, stderr = run_command(
        command, f"--workdir={workdir}", *flags
    )
    assert not status, stderr
    assert "skipped 1" in stdout
    results = json.loads((workdir / "results.json").read_text())
    # Beside what is known of the same weights.
    (name,) = set(results["zero_shot"]) - {"test/groups"}
    found = results["zero_shot"][name]
    assert found["n"] == 9 and set(found["per_class"]) == {"0", "1", "2"}
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(workdir / f"evaluation/{name}.parquet")
    assert table.column("label").to_pylist() == list("000111222")

    run_command(export, f"--workdir={workdir}")
    saved_model = f"--saved_model={workdir}/saved_model"
    status, _, stderr = run_command(
        command, saved_model, f"--results_dir={tmp_path}/served", *flags
    )
    assert not status, stderr
    np.testing.assert_allclose(
        storage.read(tmp_path / "served", name)["images/embeddings"],
        storage.read(workdir, name)["images/embeddings"],
        atol=1e-5,
    )
    path = tmp_path / "served/results.json"
    served = json.loads(path.read_text())
    assert served["zero_shot"][name]["top1"] == found["top1"]
    status, _, stderr = run_command(command, saved_model, *flags)
    assert status == 2 and "give --results_dir" in stderr


def test_a_file_of_sets(copied, corpus, tmp_path, run_command):
    _, workdir = copied
    task = {"title": "Colors", "path": "test-*.tar", "label_field": "item"}
    task |= {"classes": "names.json", "group_field": "group"}
    probe = {"title": "Shapes", "path": "test-*.tar", "label_field": "group"}
    probe |= {"train": {"path": "train-*.tar"}}
    probe |= {"validation": {"path": "test-*.tar"}, "fine_tuning_epochs": 2}
    noisy = task | {"corruptions": ["contrast"], "severities": [1, 5]}
    (tmp_path / "sets.py").write_text(
        "from experiments.configs.base import evaluation\n"
        "def get_config():\n"
        "    section = evaluation()\n"
        f"    section.retrieval = {{'colors': {task}}}\n"
        f"    section.probe = {{'shapes': {probe}}}\n"
        f"    section.robustness = {{'noisy': {noisy}}}\n"
        "    return section.lock()\n"
    )
    status, _, stderr = run_command(
        command,
        f"--workdir={workdir}",
        f"--evaluation={tmp_path}/sets.py",
        f"--evaluation.directory={corpus}",
    )
    assert not status, stderr
    kept = storage.read(workdir, "colors")
    assert kept["images/features"].shape == (9, 16)
    ways = storage.read_scores(workdir, "colors")
    for items, scores in ways.values():
        assert len(items) == 9
        assert set(scores["R@1"].groups) == set(SHAPES)
    results = json.loads((workdir / "results.json").read_text())
    probes = results["probe"]["shapes"]
    methods = {"linear_probe", "knn", "few_shot"}
    methods |= {f"{method}_of_embeddings" for method in methods}
    assert set(probes) == methods | {"fine_tuned"}
    assert set(storage.read_scores(workdir, "shapes")) == set(probes)
    assert probes["linear_probe"]["chance"]["top1"] == pytest.approx(1 / 3)
    assert probes["few_shot"]["top1_2_shot"] <= 1
    assert probes["fine_tuned"]["epochs"] == 2
    # Before the head moves, fine-tuning is the linear probe.
    assert probes["fine_tuned"]["loss"][1] < probes["fine_tuned"]["loss"][0]
    (found,) = results["robustness"]["noisy"].values()
    assert found["clean"] == probe_of_names(workdir)
    assert len(found["by_severity"]["contrast"]) == 2
    assert set(found["intervals"]) == {"clean", "contrast", "mean_corruption"}
    page = (workdir / "report.html").read_text()
    assert "learned from features" in page and "corrupted images" in page


def test_a_saved_model_is_not_fine_tuned():
    with pytest.raises(InputError, match="A SavedModel cannot be fine-tuned"):
        pixels.fine_tuning(None, None, 2, (), (), None, seed=0, groups=None)


def probe_of_names(workdir):
    """The share of images whose nearest class is the right one."""
    kept = storage.read(workdir, "noisy")
    nearest = np.argmax(
        kept["images/embeddings"] @ kept["candidates/embeddings"].T, axis=1
    )
    return np.mean(kept["candidates/labels"][nearest] == kept["images/labels"])


def test_a_checkpoint_that_does_not_exist(trained, run_command):
    _, workdir = trained
    status, _, stderr = run_command(
        command, f"--workdir={workdir}", "--checkpoint=3"
    )
    assert status == 2
    assert "has no checkpoint 3; choose from ['last', " in stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ([], "no model to evaluate: give --workdir"),
        (["--images=imagenet/val"], "does not name a kind and a path"),
    ],
)
def test_mistakes_in_flags(trained, flags, words, run_command):
    if flags:
        flags = [f"--workdir={trained[1]}", *flags]
    status, _, stderr = run_command(command, *flags)
    assert status == 2 and words in stderr
