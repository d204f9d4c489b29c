"""The map of images and texts."""

import base64
import io
import sys

import numpy as np
import pytest
from PIL import Image

from experiments.comparison import space
from experiments.comparison.runs import read_runs
from experiments.evaluation import storage
from uniclip_keras.errors import InputError


@pytest.fixture
def run(write_run):
    (run,) = read_runs([write_run("a", 0.1)])
    return run


def test_images_and_texts_with_their_partners(run):
    found = space.make_map(run)
    assert (found.run, found.title) == ("a", "The test set")
    kinds = [point["kind"] for point in found.points]
    assert kinds == ["image"] * 9 + ["text"] * 9
    kept = storage.read(run.workdir, "test")
    for i, point in enumerate(found.points):
        ((partner, cosine),) = point["partners"]
        other = found.points[partner]
        assert other["name"] == point["name"] == f"name of item-{i % 9}"
        assert other["kind"] != point["kind"]
        expected = np.vdot(
            kept["images/embeddings"][i % 9],
            kept["candidates/embeddings"][i % 9],
        )
        assert cosine == pytest.approx(expected, abs=1e-4)
        assert 0 <= point["x"] <= found.width
        assert 0 <= point["y"] <= found.height
    # The drawing of the first sample of the corpus: a red dot.
    uri = found.points[0]["picture"]
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    assert pixels.shape == (72, 72, 3)
    red, green, _ = pixels[36, 36]
    assert red > 150 > green
    assert found.points[9]["picture"] == "" and found.notes == []


def test_a_task_without_its_data_or_its_configuration(run):
    with run.config.unlocked():
        run.config.data.directory = "gone"
    found = space.make_map(run)
    (note,) = found.notes
    assert note.startswith("Drawings are not shown.") and "gone" in note
    assert {point["picture"] for point in found.points} == {""}
    # A task that only a file of sets names.
    (note,) = space.make_map(run, "test/zero").notes
    assert "No configuration of the run names" in note


def test_only_some_images_of_many_are_shown(run, monkeypatch):
    monkeypatch.setattr(space, "MAX_IMAGES", 4)
    points = space.make_map(run).points
    kinds = [point["kind"] for point in points]
    assert kinds == ["image"] * 4 + ["text"] * 4
    assert {p["name"] for p in points[:4]} == {p["name"] for p in points[4:]}


def test_no_embeddings_and_an_unknown_task(run):
    with pytest.raises(InputError, match="no task 'tset'.*mean 'test'"):
        space.make_map(run, "tset")
    storage.write(run.workdir, "test", {})
    assert space.make_map(run) is None


def test_near_embeddings_are_near_on_the_map():
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    centers = np.repeat(10 * rng.normal(size=[4, 20]), 15, axis=0)
    places, algorithm = space.project(centers + rng.normal(size=[60, 20]))
    assert algorithm == "t-SNE"
    far = np.linalg.norm(places[:, None] - places, axis=-1)
    np.fill_diagonal(far, np.inf)
    assert (far.argmin(axis=1) // 15 == np.arange(60) // 15).all()


def test_without_scikit_learn_the_map_is_linear(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    found = space.make_map(run)
    assert found.algorithm == "PCA"
    assert "extra `evaluation`" in found.notes[0]
    line = np.outer([0.0, 1.0, 3.0], [1.0, 0.0, 2.0])
    places, _ = space.project(line)
    expected = np.sqrt(5.0) * np.abs([1.0, 2.0])
    np.testing.assert_allclose(np.abs(np.diff(places[:, 0])), expected)
