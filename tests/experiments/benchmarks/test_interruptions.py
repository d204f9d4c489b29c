"""The comparison of an interrupted run with an undisturbed one."""

import json

import pytest

from experiments.benchmarks import interruptions


def write_history(folder, losses):
    folder.mkdir(exist_ok=True)
    rows = [json.dumps({"step": s, "loss": loss}) for s, loss in losses]
    # A run may be killed while it writes.
    text = "\n".join([*rows, '{"step": 9, "lo'])
    (folder / "history.jsonl").write_text(text)
    return folder


def test_each_step_once_with_its_loss(tmp_path, capsys):
    whole = {1: 2.0, 2: 1.5}
    run = write_history(tmp_path / "run", whole.items())
    assert interruptions.losses(run) == whole
    assert interruptions.last_step(run) == 2
    assert interruptions.last_step(tmp_path / "none") == 0
    interruptions.compare("one process", interruptions.losses(run), whole)
    assert "2 steps, largest difference of a loss 0," in capsys.readouterr().out
    nearly = {1: 2.0, 2: 1.5 + 1e-6}
    interruptions.compare("many", nearly, whole)
    with pytest.raises(RuntimeError, match="one process: the losses differ"):
        interruptions.compare("one process", nearly, whole)
    with pytest.raises(RuntimeError, match=r"many: the steps \[2\] differ"):
        interruptions.compare("many", {1: 2.0}, whole)
    write_history(run, [(1, 2.0), (2, 1.5), (2, 1.5)])
    with pytest.raises(RuntimeError, match="Step 2 is there twice"):
        interruptions.losses(run)


def test_the_corpus_of_the_runs(tmp_path):
    config = interruptions.write_corpus(tmp_path, 12)
    names = {path.name for path in tmp_path.glob("*.tar")}
    assert {"most-00007.tar", "rest-00000.tar"} <= names
    assert "config.steps = 12" in config.read_text()
