"""`export`: the SavedModel of a run."""

import numpy as np
import tensorflow as tf

from experiments import export
from experiments.run.workdir import load_run


def test_the_saved_model_serves(trained, tmp_path, run_command):
    _, workdir = trained
    path = tmp_path / "saved_model"
    status, stdout, _ = run_command(
        export, f"--workdir={workdir}", f"--saved_model={path}"
    )
    assert not status
    assert stdout.splitlines()[-1] == f"SavedModel of step 4: {path}"
    _, tokenizer, model, _ = load_run(workdir)
    texts = ["red dot", "a blue bar"]
    served = tf.saved_model.load(str(path)).signatures["text"]
    (keyword,) = served.structured_input_signature[1]
    (found,) = served(**{keyword: tf.constant(texts)}).values()
    expected = model.encode_text(tokenizer(texts))
    np.testing.assert_allclose(found, expected, atol=1e-5)
