"""CLIP's weights in and out.

`tests/fixtures/clip` holds tiny models of transformers and of open_clip with
their embeddings, written by `experiments.benchmarks.parity.peers`.
"""

import json
import pathlib
import shutil
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file
from safetensors.numpy import save_file

from uniclip_keras import losses
from uniclip_keras import models
from uniclip_keras.errors import InputError

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures" / "clip"
LIBRARIES = "transformers", "open_clip"


def embeddings(model, expected):
    return {
        "image": model.encode_image(expected["images"]).numpy(),
        "text": model.encode_text(expected["tokens"]).numpy(),
    }


@pytest.fixture(scope="module", params=LIBRARIES)
def clip(request):
    """`(folder, model, what the library computes)`."""
    folder = FIXTURES / request.param
    with np.load(folder / "embeddings.npz") as file:
        expected = dict(file)
    return folder, models.from_clip(folder), expected


def test_embeds_as_its_library(clip):
    _, model, expected = clip
    for name, found in embeddings(model, expected).items():
        np.testing.assert_allclose(found, expected[name], atol=2e-6)
    # The temperature that CLIP begins with.
    similarity = model.objective.similarity
    pair = similarity.pair_index("image", "text")
    np.testing.assert_allclose(
        np.exp(similarity.log_temperature)[pair], 0.07, rtol=1e-4
    )


def test_an_augmentation_aware_head_changes_nothing_at_first(clip):
    folder, _, expected = clip
    model = models.from_clip(
        folder,
        losses.MPNCE(),
        augmentation_units=(8, 6),
        projection_blocks=2,
    )
    for name, found in embeddings(model, expected).items():
        np.testing.assert_allclose(found, expected[name], atol=2e-6)
    augmentations = np.random.default_rng(0).random((4, 11), "float32")
    found = model.encode_image(expected["images"], augmentations)
    np.testing.assert_allclose(found, expected["image"], atol=2e-6)
    model.compile(keras.optimizers.SGD(1.0))
    batch = {
        "views": expected["images"][:, None],
        "augmentations": augmentations[:, None],
        "tokens": expected["tokens"],
        "id": np.arange(4),
    }
    losses_of_steps = [model.train_on_batch(batch) for _ in range(3)]
    assert losses_of_steps[2] < losses_of_steps[0]
    # The head has learned to read the augmentation.
    one, two = (
        model.encode_image(expected["images"], x)
        for x in (augmentations, augmentations[::-1])
    )
    assert np.abs(one - two).max() > 1e-5


def test_written_files_are_those_that_were_read(tmp_path, clip):
    folder, model, expected = clip
    models.save_clip(model, tmp_path)
    again = models.from_clip(tmp_path)
    for name, found in embeddings(again, expected).items():
        np.testing.assert_allclose(found, expected[name], atol=2e-6)
    if folder.name == "transformers":
        before = load_file(folder / "model.safetensors")
        after = load_file(tmp_path / "model.safetensors")
        assert set(before) == set(after)
        for name, array in before.items():
            np.testing.assert_array_equal(after[name], array)
        before, after = (
            json.loads((path / "config.json").read_text())
            for path in (folder, tmp_path)
        )
        for tower in ("vision_config", "text_config"):
            # Texts are padded with 0 here; nothing reads it.
            known = set(before[tower]) & set(after[tower]) - {"pad_token_id"}
            for option in known:
                assert after[tower][option] == before[tower][option], option


def test_other_shapes_are_not_written(tmp_path):
    folder = FIXTURES / "transformers"
    aware = models.from_clip(folder, augmentation_units=(8, 6))
    with pytest.raises(InputError, match="the image head, which is not linear"):
        models.save_clip(aware, tmp_path)
    other = models.UniCLIP(
        models.vit(16, 8, 16, 1, 2),
        models.clip_text(40, 12, 24, 1, 3),
        augmentation_units=None,
        projection_blocks=0,
        projection_norm=False,
    )
    with pytest.raises(InputError, match="the image encoder 'image_encoder'"):
        models.save_clip(other, tmp_path)
    assert not list(tmp_path.iterdir())


def test_torch_files_are_read_as_weights_only(tmp_path, monkeypatch):
    """A file alone, of PyTorch: without torch here, by a stand-in."""
    arrays = load_file(FIXTURES / "open_clip/open_clip_model.safetensors")
    asked = {}

    def load(path, **options):
        asked.update(options, path=path)
        tensors = {
            f"module.{name}": SimpleNamespace(
                float=lambda array=array: SimpleNamespace(numpy=lambda: array),
                numpy=None,
            )
            for name, array in arrays.items()
        }
        return {"epoch": 3, "state_dict": tensors}

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(load=load))
    path = tmp_path / "epoch_3.pt"
    path.write_bytes(b"")
    # The file does not say how many heads share a width below 64.
    monkeypatch.setattr(models.clip.loading, "HEAD_WIDTH", 8)
    model = models.from_clip(path)
    assert asked["weights_only"] is True and asked["path"] == str(path)
    with np.load(FIXTURES / "open_clip/embeddings.npz") as expected:
        for name, found in embeddings(model, expected).items():
            np.testing.assert_allclose(found, expected[name], atol=2e-6)

    def refuse(path, **options):
        raise ValueError("Weights only load failed")

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(load=refuse))
    with pytest.raises(InputError, match="more than weights"):
        models.from_clip(path)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match="needs the package torch"):
        models.from_clip(path)


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(FIXTURES / "transformers", tmp_path / "copy")


def test_what_is_no_clip(copied, tmp_path):
    with pytest.raises(InputError, match="holds none of model.safetensors"):
        models.from_clip(tmp_path / "gone")
    text = tmp_path / "weights.txt"
    text.write_text("")
    with pytest.raises(InputError, match="ends in .safetensors"):
        models.from_clip(text)
    other = tmp_path / "other.safetensors"
    save_file({"bert.embeddings": np.zeros(3, "float32")}, other)
    with pytest.raises(InputError, match="no CLIP .* such as bert.embeddings"):
        models.from_clip(other)
    arrays = load_file(copied / "model.safetensors")
    del arrays["vision_model.pre_layrnorm.bias"]
    save_file(arrays, copied / "model.safetensors")
    with pytest.raises(InputError, match="lacks the weight 'vision_model.pre_"):
        models.from_clip(copied)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("config.json", {"model_type": "siglip2"}, "the type 'siglip2'"),
        (
            "config.json",
            {"text_config": {"hidden_act": "relu"}},
            "activation='relu' is unknown",
        ),
        (
            "preprocessor_config.json",
            {"image_mean": [0.5, 0.5, 0.5]},
            r"image_mean=\[0.5, 0.5, 0.5\]",
        ),
    ],
)
def test_settings_that_differ(file, change, words, copied):
    path = copied / file
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(InputError, match=words):
        models.from_clip(copied)
    path.write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        models.from_clip(copied)
