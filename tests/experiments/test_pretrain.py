"""`pretrain`: what it prints, refuses, continues and begins from."""

import json
import os
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf
from tiny_corpus import make_config

from experiments import pretrain as command
from experiments.configs.methods import use_method
from experiments.pretrain import pretrain
from experiments.run import data
from experiments.run import memory
from experiments.run.command import Stopped
from experiments.run.workdir import load_run
from uniclip_keras.errors import InputError
from uniclip_keras.training import read_history


def weights(workdir, checkpoint="last"):
    _, _, model, _ = load_run(workdir, checkpoint)
    return [weight.numpy() for weight in model.weights]


def test_progress_validation_and_bad_samples_are_printed(trained_output):
    config, workdir, out = trained_output
    for words in (" corrupt image (bad)", " empty caption (dumb)", "step 4/4"):
        assert words in out
    for words in ("image-text tau", "pairs/s", "eta"):
        assert words in out
    assert "step 2  validation  loss" in out
    assert "step 4  validation  loss" in out and "text to image r5" in out


def test_a_stopped_run_continues_exactly_on_a_remote_workdir(
    trained, corpus, monkeypatch, capsys
):
    """A run that SIGTERM ends after 3 steps ends where an unbroken one does."""
    _, whole = trained
    workdir = "ram://stopped/run"
    free = {"validation": {"every": 0}, "checkpoint_every": 100}

    def print_line(line):
        print(line)
        if line.startswith("step 3/4"):
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(command, "_print_line", print_line)
        with pytest.raises(Stopped) as stopped:
            pretrain(make_config(corpus, log_every=3, **free), workdir)
    assert stopped.value.signal == signal.SIGTERM
    assert "Stopped and saved at step 3; start again" in capsys.readouterr().out
    # What does not train the model may change.
    pretrain(make_config(corpus, log_every=2, **free), workdir)
    assert "steps 3 to 4" in capsys.readouterr().out
    for one, other in zip(weights(whole), weights(workdir), strict=True):
        np.testing.assert_array_equal(one, other)
    rows = read_history(f"{workdir}/history.jsonl")
    assert [row["step"] for row in rows] == [3, 4]
    assert not tf.io.gfile.exists(f"{workdir}/changes.jsonl")
    assert not os.path.exists("ram:")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--config.batchsize=64"], ["'batchsize'", '"batch_size"']),
        (["--config.data.directory=nowhere"], ["nowhere", "does not exist"]),
        (
            ["--workdir=s3://bucket/run"],
            ["s3://bucket/run", "file system 's3'"],
        ),
        (["--workdir=/proc/run"], ["/proc/run", "cannot be written"]),
    ],
    ids=["key", "directory", "scheme", "unwritable"],
)
def test_mistakes_are_one_sentence(
    arguments, words, corpus, tmp_path, run_command
):
    status, _, stderr = run_command(
        command,
        "--config=experiments/configs/emoji.py",
        f"--workdir={tmp_path / 'run'}",
        f"--config.data.directory={corpus}",
        "--config.data.train.tones.path=train-*.tar",
        "--config.tokenizer.vocabulary_size=100",
        *arguments,
    )
    assert status == 2
    *_, last = stderr.splitlines()
    assert last.startswith("error: ")
    for word in words:
        assert word in last
    # A failed start leaves no workdir that refuses the corrected one.
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": -3}, "batch_size=-3 is not allowed"),
        ({"steps_per_execution": 3}, "4 steps from 0 to 4.*execution=3"),
        ({"distribution": "multi_worker"}, "variable TF_CONFIG, which is None"),
        ({"batch_size": 100_000}, "batch_size=100000 needs at least"),
        ({"image_size": 18}, "image_size=18.*4 pixels; choose 16"),
    ],
)
def test_nothing_is_read_before_the_check(
    changes, words, corpus, tmp_path, monkeypatch
):
    monkeypatch.setattr(data, "build_source", None)
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**30)
    with pytest.raises(InputError, match=words):
        pretrain(make_config(corpus, **changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_workdir_keeps_its_configuration(trained, corpus):
    _, workdir = trained
    with pytest.raises(InputError, match="batch_size is 4 and was 6.*--allow"):
        pretrain(make_config(corpus, batch_size=4), workdir)
    with pytest.raises(InputError, match="began without --init_from; leave"):
        pretrain(make_config(corpus), workdir, init_from=workdir)


def test_allowed_changes_are_recorded(copied, corpus, capsys, eager_steps):
    """A lower learning rate and another batch size, from step 4 on."""
    _, workdir = copied
    with (workdir / "history.jsonl").open("a") as file:
        file.write('{"step": 5, "lo')
    slower = {"warmup_steps": 1, "learning_rate": 1e-4}
    config = make_config(
        corpus,
        steps=5,
        batch_size=4,
        optimizer=slower,
        validation={"every": 0},
    )
    pretrain(config, workdir, allow_changes=True)
    changes = read_history(workdir / "changes.jsonl")
    assert changes == [
        {"step": 4, "option": "batch_size", "before": 6, "after": 4},
        {"step": 4, "option": "optimizer.learning_rate"}
        | {"before": 4e-3, "after": 1e-4},
        {"step": 4, "option": "steps", "before": 4, "after": 5},
    ]
    complete = workdir / "checkpoints/step-000000005/complete.json"
    assert json.loads(complete.read_text())["position"] == 4 * 6 + 4
    rows = read_history(workdir / "history.jsonl")
    assert [row["step"] for row in rows] == [2, 4, 5]
    # From now on this is the run's configuration.
    pretrain(config, workdir)
    assert "trained already" in capsys.readouterr().out
    wider = make_config(corpus, model={"embedding_dim": 16})
    with pytest.raises(InputError, match="of another model .*has shape"):
        pretrain(wider, workdir, allow_changes=True)
    assert len(read_history(workdir / "changes.jsonl")) == 3


def test_a_run_that_lost_its_checkpoints_keeps_its_history(copied):
    config, workdir = copied
    shutil.rmtree(workdir / "checkpoints")
    history = (workdir / "history.jsonl").read_bytes()
    with pytest.raises(InputError, match="damaged: history.jsonl .* step 4"):
        pretrain(config, workdir)
    assert (workdir / "history.jsonl").read_bytes() == history


@pytest.mark.parametrize("text", ['{"seed": 0,', "", "[]"])
def test_a_broken_configuration_of_a_run(text, trained, tmp_path):
    config, _ = trained
    (tmp_path / "config.json").write_text(text)
    for start in (
        lambda: pretrain(config, tmp_path),
        lambda: load_run(tmp_path),
    ):
        with pytest.raises(InputError, match="config.json is broken"):
            start()


def test_fine_tuning_begins_with_another_runs_weights(
    trained, corpus, tmp_path, capsys, eager_steps
):
    _, before = trained
    new = make_config(
        corpus, steps=1, batch_size=4, optimizer={"warmup_steps": 0}
    )
    with new.unlocked():
        use_method(new, "sup_con")
        new.validation.every = 0
    workdir = tmp_path / "new"
    with pytest.raises(
        InputError, match="image_encoder.width is 24 and was 16"
    ):
        pretrain(
            make_config(corpus, image_encoder={"width": 24}),
            workdir,
            init_from=before,
        )
    pretrain(new, workdir, init_from=before)
    assert "Learning" not in capsys.readouterr().out
    pairs = zip(weights(before, "best"), weights(workdir, 0), strict=False)
    for index, (one, other) in enumerate(pairs):
        np.testing.assert_array_equal(one, other, err_msg=str(index))
    record = json.loads((workdir / "init_from.json").read_text())
    assert record["workdir"] == str(before) and record["step"] in (2, 4)
    trained_on = weights(workdir)
    # It continues from its own checkpoints.
    pretrain(new, workdir, init_from=before)
    assert "trained already" in capsys.readouterr().out
    for one, other in zip(trained_on, weights(workdir), strict=True):
        np.testing.assert_array_equal(one, other)
