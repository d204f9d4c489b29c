"""Pretrain, evaluate and export on a tiny corpus; bad input on each."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_corpus import draw
from tiny_corpus import make_config
from tiny_corpus import png

from experiments.evaluate import evaluate
from experiments.pretrain import pretrain
from experiments.run import workdir as workdirs
from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError
from uniclip_keras.export import export_saved_model
from uniclip_keras.training import Checkpoints

ROOT = pathlib.Path(__file__).parents[2]


def run_script(name, *arguments):
    """Runs a script as a user would; returns the finished process."""
    return subprocess.run(
        [sys.executable, "-m", f"experiments.{name}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_workdir_holds_all_that_a_run_needs(trained):
    config, workdir = trained
    read, tokenizer, model, step = workdirs.load_run(workdir)
    assert step == config.steps
    assert read.image_size == config.image_size
    assert tokenizer.context_length == config.tokenizer.context_length
    rows = (workdir / "history.jsonl").read_text().splitlines()
    assert [json.loads(row)["step"] for row in rows] == [2, 4]


def test_pretrain_goes_on_and_then_says_that_it_is_done(
    trained, corpus, tmp_path, capsys
):
    config, workdir = trained
    pretrain(config, workdir)
    assert "trained already" in capsys.readouterr().out


def test_bad_samples_are_reported_at_the_end(corpus, tmp_path, capsys):
    pretrain(make_config(corpus, steps=2), tmp_path / "run")
    out = capsys.readouterr().out
    assert "1 corrupt image" in out
    assert "1 empty caption" in out
    assert "step 2/2" in out
    assert "image-text tau" in out
    assert "pairs/s" in out
    assert "eta" in out


def test_another_configuration_is_refused(trained, corpus):
    _, workdir = trained
    with pytest.raises(InputError, match="batch_size is 4 and was 6"):
        pretrain(make_config(corpus, batch_size=4), workdir)
    # How it is watched may change.
    pretrain(make_config(corpus, log_every=1), workdir)


def test_evaluate(trained, capsys):
    _, workdir = trained
    results = evaluate(workdir)
    assert json.loads((workdir / "results.json").read_text()) == results
    retrieval = results["retrieval"]["test"]["image_to_text"]
    assert retrieval["n"] == 9
    assert retrieval["chance"]["R@1"] == pytest.approx(1 / 9)
    assert results["zero_shot"]["test/groups"]["n"] == 9
    check = results["augmentation_check"]
    assert check["loss"] != check["loss_shuffled"]
    page = (workdir / "report.html").read_text()
    assert "red dot" in page
    assert "data:image/png" in page
    out = capsys.readouterr().out
    assert "test, image to text" in out
    assert str(workdir / "report.html") in out


def test_a_vocabulary_of_another_size_is_refused(trained, tmp_path):
    config, workdir = trained
    for name in ("config.json", "vocabulary.txt", "tokenizer.json"):
        (tmp_path / name).write_bytes((workdir / name).read_bytes())
    os.symlink(workdir / "checkpoints", tmp_path / "checkpoints")
    vocabulary = (tmp_path / "vocabulary.txt").read_text().splitlines()
    (tmp_path / "vocabulary.txt").write_text(
        "\n".join([*vocabulary[:-1], "more", vocabulary[-1]]) + "\n"
    )
    with pytest.raises(InputError, match="vocabulary"):
        workdirs.load_run(tmp_path)
    # Even where the tokenizer's own check has been made to agree.
    SubwordTokenizer(
        [*vocabulary[:-1], "more", vocabulary[-1]],
        config.tokenizer.context_length,
    ).save(str(tmp_path))
    with pytest.raises(InputError, match="another model.*vocabulary"):
        workdirs.load_run(tmp_path)


def test_saved_model_in_a_fresh_process(trained, corpus, tmp_path):
    """Every signature gives the model's embeddings without this library."""
    _, workdir = trained
    config, tokenizer, model, _ = workdirs.load_run(workdir)
    path = tmp_path / "saved_model"
    export_saved_model(model, tokenizer, config.image_size, path)
    encoded = [png(draw("red", "dot")), png(draw("blue", "bar"))]
    texts = ["red dot", "a blue bar of unseen words"]
    images, _ = load_images(encoded, config.image_size)
    np.savez(
        tmp_path / "inputs.npz",
        images=images,
        tokens=tokenizer(texts).numpy(),
    )
    for index, content in enumerate(encoded):
        (tmp_path / f"{index}.png").write_bytes(content)
    (tmp_path / "serve.py").write_text(
        f"""
import sys
import keras
import numpy as np
import tensorflow as tf
import tensorflow_text
served = tf.saved_model.load("saved_model").signatures
inputs = np.load("inputs.npz")
encoded = [open(f"{{i}}.png", "rb").read() for i in range(2)]
given = dict(
    image_bytes=tf.constant(encoded),
    images=tf.constant(inputs["images"]),
    text=tf.constant({texts!r}),
    tokens=tf.constant(inputs["tokens"]),
    serving_default=tf.constant(encoded),
)
outputs = {{}}
for name, value in given.items():
    (keyword,) = served[name].structured_input_signature[1]
    (output,) = served[name](**{{keyword: value}}).values()
    outputs[name] = output.numpy()
np.savez("outputs.npz", **outputs)
assert "uniclip_keras" not in sys.modules
"""
    )
    subprocess.run(
        [sys.executable, "serve.py"], cwd=tmp_path, check=True, timeout=120
    )
    outputs = np.load(tmp_path / "outputs.npz")
    image, text = (
        model.encode_image(images),
        model.encode_text(tokenizer(texts)),
    )
    for name, expected in (
        ("image_bytes", image),
        ("serving_default", image),
        ("images", image),
        ("text", text),
        ("tokens", text),
    ):
        np.testing.assert_allclose(outputs[name], expected, atol=1e-5)
    with pytest.raises(InputError, match="not empty"):
        export_saved_model(model, tokenizer, config.image_size, path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config.batchsize=64"], ["'batchsize'", '"batch_size"']),
        (["--config.data.directory=nowhere"], ["nowhere", "does not exist"]),
        (["--config.image_size=36"], ["image_size=36", "32"]),
        (["--config.image_encoder.kind=vitt"], ["'vitt'", "'vit'"]),
    ],
    ids=["key", "directory", "image_size", "kind"],
)
def test_mistakes_are_one_sentence(arguments, words, corpus, tmp_path):
    if not any("directory" in argument for argument in arguments):
        arguments = [*arguments, f"--config.data.directory={corpus}"]
    done = run_script(
        "pretrain",
        "--config=experiments/configs/emoji.py",
        f"--workdir={tmp_path / 'run'}",
        "--config.data.train.tones.path=train-*.tar",
        *arguments,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    *_, last = done.stderr.strip().splitlines()
    assert last.startswith("error: ")
    for word in words:
        assert word in last
    # A run that never began leaves no workdir that a corrected one trips on.
    assert not (tmp_path / "run").exists()


def test_evaluate_and_export_without_a_run(tmp_path):
    for script in ("evaluate", "export"):
        done = run_script(script, f"--workdir={tmp_path}")
        assert done.returncode == 2
        assert "config.json" in done.stderr.splitlines()[-1]


def test_logical_devices_exist_for_the_suite():
    assert len(tf.config.list_logical_devices("CPU")) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"distribution": "mirrored"},
        {"precision": "mixed_float16"},
    ],
    ids=lambda changes: next(iter(changes.values())),
)
def test_a_run_goes_on_under_a_strategy_and_a_loss_scale(
    changes, corpus, tmp_path, two_replicas, monkeypatch
):
    """Interrupted after 2 steps, the run ends where an unbroken one does."""
    # A process has one mirrored strategy: TensorFlow numbers the collectives
    # of a second one on the same devices like those of the first.
    if changes.get("distribution") == "mirrored":
        monkeypatch.setattr(
            "uniclip_keras.training.distribution_strategy",
            lambda name: two_replicas,
        )
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    try:
        pretrain(make_config(corpus, **changes), whole)

        def interrupt(*args):
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            # Raised by the report of step 3; the latest checkpoint is of 2.
            patch.setattr("uniclip_keras.training.progress._clock", interrupt)
            patch.setattr(
                "uniclip_keras.training.Checkpoints.save",
                _save_only_step(2),
            )
            with pytest.raises(KeyboardInterrupt):
                pretrain(make_config(corpus, log_every=3, **changes), broken)
        pretrain(make_config(corpus, **changes), broken)
        _, _, one, _ = workdirs.load_run(whole)
        _, tokenizer, other, step = workdirs.load_run(broken)
        assert step == 4
        for a, b in zip(one.weights, other.weights, strict=True):
            np.testing.assert_allclose(
                a.numpy(), b.numpy(), atol=1e-5, err_msg=a.path
            )
        tokens = tokenizer(["red dot"])
        np.testing.assert_allclose(
            other.encode_text(tokens), one.encode_text(tokens), atol=1e-2
        )
    finally:
        keras.config.set_dtype_policy("float32")


def _save_only_step(wanted):
    save = Checkpoints.save

    def save_if_wanted(self):
        if int(self._step) == wanted:
            save(self)

    return save_if_wanted
