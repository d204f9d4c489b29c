"""What tasks share, and the classes of data sets that number them."""

import json

import numpy as np
import pytest
from format_files import png
from format_files import write_source
from ml_collections import ConfigDict
from tiny_model import SIZE
from tiny_model import make_model

from experiments.configs.base import base
from experiments.evaluation.embedding import TaskEmbedder
from experiments.evaluation.subject import Subject

SAMPLES = [
    {
        "image": png(number) if number != 2 else png(2)[:40],
        "texts": ["a text"],
        "id": number,
        "label": ("cat", "dog", "owl")[number % 3],
    }
    for number in range(7)
]


@pytest.fixture
def embedder(tmp_path):
    config = base()
    with config.unlocked():
        config.image_size = SIZE
        config.data.directory = str(tmp_path)
        config.data.threads = 2
    subject = Subject(make_model(), None, config, {"weights": "w"}, [], {})
    return TaskEmbedder(subject, config, tmp_path, batch_size=4)


def test_tasks_that_differ_in_labels_share_embeddings(
    embedder, tmp_path, monkeypatch
):
    write_source("tar", tmp_path, SAMPLES, label_field="label")
    task = {"title": "Pets", "path": "*.tar", "label_field": "label"}
    task = ConfigDict(task)
    source = embedder.source(task)
    first, arrays = embedder.images(task, source, {})
    assert first.numbers.tolist() == [0, 1, 3, 4, 5, 6]
    assert embedder.bad_samples.skipped == 1
    monkeypatch.setattr(embedder._images, "embed", None)
    task.label_field, task.group_field = "id", "label"
    second, _ = embedder.images(task, embedder.source(task), {})
    np.testing.assert_array_equal(second.embeddings, first.embeddings)
    assert second.labels.tolist() == ["0", "1", "3", "4", "5", "6"]
    assert second.groups.tolist() == first.labels.tolist()
    # Nor are they embedded again when they have been kept.
    embedder._embedded.clear()
    task.label_field, task.group_field = "label", ""
    again, _ = embedder.images(task, source, arrays)
    np.testing.assert_array_equal(again.embeddings, first.embeddings)


def test_a_class_list_numbers_the_classes_of_a_data_set(embedder, tmp_path):
    samples = [sample for sample in SAMPLES if sample["id"] != 2]
    source = write_source("tfds", tmp_path, samples, label_field="label")
    images, _ = embedder.images(
        ConfigDict({"title": "Pets", "kind": "tfds"}), source, {}
    )
    for labels in ([0, 1, 2], ["0", "1", "2"], ["cat", "dog", "owl"]):
        entries = [{"label": label, "texts": ["a"]} for label in labels]
        (tmp_path / "classes.json").write_text(json.dumps(entries))
        task = ConfigDict({"classes": "classes.json"})
        found = embedder._classes(task, source, images)
        assert list(found) == ["cat", "dog", "owl"]
        assert set(found) == set(images.labels)
    task = ConfigDict({"classes": ""})
    found = embedder._classes(task, source, images)
    assert found["owl"] == ("owl",)
