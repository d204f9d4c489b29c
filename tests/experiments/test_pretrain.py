"""`pretrain`: what it prints, refuses and continues."""

import keras
import numpy as np
import pytest
from tiny_corpus import make_config

from experiments import pretrain as command
from experiments.configs.methods import use_method
from experiments.pretrain import pretrain
from experiments.run.workdir import load_run
from uniclip_keras.errors import InputError
from uniclip_keras.training import Checkpoints


def test_progress_and_bad_samples_are_printed(corpus, tmp_path, capsys):
    pretrain(make_config(corpus, steps=2), tmp_path / "run")
    out = capsys.readouterr().out
    for words in (" corrupt image (bad)", " empty caption (dumb)", "step 2/2"):
        assert words in out
    for words in ("image-text tau", "pairs/s", "eta"):
        assert words in out


def test_a_finished_run_keeps_its_configuration(trained, corpus, capsys):
    _, workdir = trained
    with pytest.raises(InputError, match="batch_size is 4 and was 6"):
        pretrain(make_config(corpus, batch_size=4), workdir)
    # Options that do not train the model may change.
    pretrain(make_config(corpus, log_every=1), workdir)
    assert "trained already" in capsys.readouterr().out


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


def test_a_run_continues_under_a_strategy_and_a_loss_scale(
    corpus, tmp_path, two_replicas, monkeypatch
):
    """A run interrupted after 2 steps ends where an unbroken one does."""
    # TensorFlow numbers the collectives of a second mirrored strategy on the
    # same devices like those of the first, so the process has only one.
    monkeypatch.setattr(
        "uniclip_keras.training.distribution_strategy",
        lambda name: two_replicas,
    )

    def config(**changes):
        options = {"distribution": "mirrored", "precision": "mixed_float16"}
        made = make_config(corpus, **options, **changes)
        with made.unlocked():
            # One view and plain heads: three small graphs to trace.
            use_method(made, "clip")
        return made

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    try:
        pretrain(config(), whole)

        def interrupt(*args):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            # Raised by the report of step 3; the latest checkpoint is of 2.
            patch.setattr("uniclip_keras.training.progress._clock", interrupt)
            patch.setattr(
                "uniclip_keras.training.Checkpoints.save", _save_only_step(2)
            )
            with pytest.raises(KeyboardInterrupt):
                pretrain(config(log_every=3), broken)
        pretrain(config(), broken)
        _, _, one, _ = load_run(whole)
        _, tokenizer, other, step = load_run(broken)
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
