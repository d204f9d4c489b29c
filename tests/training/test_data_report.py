"""The report of bad samples: when it is printed, and what ends a run."""

import pytest
import tensorflow as tf

from uniclip_keras.data import BadSamples
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.errors import InputError
from uniclip_keras.training import DataReport


def run(report, steps, epochs=1):
    """Calls the callback as `fit` does."""
    for epoch in range(epochs):
        report.on_epoch_begin(epoch)
        for batch in range(steps):
            report.on_train_batch_end(batch)
        report.on_epoch_end(epoch)
    report.on_train_end()


def tally(read=100, skipped=5, **options):
    bad_samples = BadSamples(**options)
    bad_samples.record_read(read)
    bad_samples.record(bad.CORRUPT_IMAGE, "k7", skipped)
    return bad_samples


def test_a_line_at_the_end_of_each_epoch():
    lines = []
    run(DataReport(tally(), print_line=lines.append), steps=3, epochs=2)
    summary = "Read 100 samples and skipped 5 (5 %): 5 corrupt image (k7)."
    assert lines == [f"epoch 1: {summary}", f"epoch 2: {summary}"]


def test_epochs_within_one_long_fit_and_after_a_resume():
    lines = []
    run(DataReport(tally(), None, 4, 6, lines.append), steps=7)
    assert [line.split(":")[0] for line in lines] == ["epoch 2", "epoch 3"]


def test_scalars_for_tensorboard(tmp_path):
    run(DataReport(tally(), tmp_path, epoch_steps=2), steps=5)
    (path,) = tf.io.gfile.glob(str(tmp_path / "*"))
    found = {
        (value.tag, event.step): float(tf.make_ndarray(value.tensor))
        for event in tf.compat.v1.train.summary_iterator(path)
        for value in event.summary.value
    }
    assert found == {
        ("bad_samples/share", 2): pytest.approx(0.05),
        ("bad_samples/share", 4): pytest.approx(0.05),
        ("bad_samples/corrupt_image", 2): 5,
        ("bad_samples/corrupt_image", 4): 5,
    }


def test_too_many_bad_samples_end_the_run():
    report = DataReport(tally(2000, 300, max_share=0.1))
    with pytest.raises(InputError, match=r"More than 10 % .* \(k7\)"):
        run(report, steps=1)
