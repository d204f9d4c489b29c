"""Models in CLIP_benchmark: the same views, embeddings and figures."""

import importlib.util
import io
import pathlib
import sys
import types

import numpy as np
import pytest
import tiny_model as tiny
from PIL import Image
from samples import encode
from samples import smooth_pixels

from uniclip_keras import clip_benchmark
from uniclip_keras import evaluation
from uniclip_keras.data import SubwordTokenizer
from uniclip_keras.data import load_images
from uniclip_keras.errors import InputError
from uniclip_keras.export import export_saved_model

WORDS = ["red dot", "blue bar", "green ring", "gray box", "dark line"]
PHOTO = pathlib.Path(__file__).parent / "fixtures/grace_hopper.jpg"


@pytest.fixture(scope="module")
def model_and_tokenizer():
    numbers = " ".join(map(str, range(20)))
    tokenizer = SubwordTokenizer.train([*WORDS, numbers], 120, tiny.LENGTH)
    size = tokenizer.vocabulary_size
    text = lambda: tiny.make_text_encoder(8, size)  # noqa: E731
    return tiny.make_model(make_text=text), tokenizer


class StandIn:
    """What is used of a torch tensor."""

    def __init__(self, array):
        self._array = array

    def numpy(self):
        return self._array

    def cpu(self):
        return self

    def to(self, device):
        assert device == "cpu"
        return self


@pytest.fixture
def torch(monkeypatch):
    """PyTorch, or a stand-in where it is not installed."""
    if importlib.util.find_spec("torch"):
        return importlib.import_module("torch")
    module = types.SimpleNamespace(from_numpy=StandIn)
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


def test_embeds_as_the_model_does(torch, model_and_tokenizer):
    model, tokenizer = model_and_tokenizer
    adapted, _, texts = clip_benchmark.adapt(model, tokenizer, tiny.SIZE)
    images = np.random.default_rng(0).random([3, tiny.SIZE, tiny.SIZE, 3])
    images = images.astype(np.float32)
    np.testing.assert_allclose(
        adapted.eval().encode_image(torch.from_numpy(images)).numpy(),
        model.encode_image(images),
        atol=1e-6,
    )
    for words in (WORDS, WORDS[:2]):
        np.testing.assert_allclose(
            adapted.encode_text(texts(words).to("cpu")).numpy(),
            model.encode_text(tokenizer(words)),
            atol=1e-6,
        )


def jpeg(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(smooth_pixels(1, 40)[:24], "JPEG", quality=95, exif=exif)


@pytest.mark.parametrize(
    "encoded",
    [
        PHOTO.read_bytes(),
        jpeg(orientation=6),
        encode(smooth_pixels(2, channels=4), mode="RGBA"),
        encode(smooth_pixels(2, channels=4), mode="LA"),
        encode(smooth_pixels(2), mode="L"),
        encode(smooth_pixels(2), mode="P"),
    ],
    ids=[
        "photo",
        "turned",
        "transparent",
        "transparent gray",
        "gray",
        "colors",
    ],
)
def test_the_transform_makes_the_evaluation_view(torch, encoded):
    (expected,), *_ = load_images([encoded], 16)
    view = clip_benchmark.EvaluationTransform(16)(
        Image.open(io.BytesIO(encoded))
    )
    np.testing.assert_allclose(view.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("fit", ["pad", "clip"])
def test_the_transform_makes_squares_as_the_export_does(
    torch, tmp_path, model_and_tokenizer, fit
):
    model, tokenizer = model_and_tokenizer
    path = tmp_path / "saved_model"
    export_saved_model(model, tokenizer, tiny.SIZE, path, fit=fit)
    _, transform, _ = clip_benchmark._load(tmp_path)
    (expected,), *_ = load_images([PHOTO.read_bytes()], tiny.SIZE, fit=fit)
    view = transform(Image.open(PHOTO)).numpy()
    np.testing.assert_allclose(view, expected, atol=1e-6)
    with pytest.raises(InputError, match="did you mean 'clip'"):
        clip_benchmark.EvaluationTransform(16, "clib")


def test_the_transform_refuses_a_forked_process(torch, monkeypatch):
    monkeypatch.setattr(clip_benchmark, "_PROCESS", -1)
    with pytest.raises(InputError, match="num_workers=0"):
        clip_benchmark.EvaluationTransform(16)(Image.new("RGB", (9, 9)))


@pytest.mark.parametrize("missing", ["torch", "clip_benchmark"])
def test_says_what_is_missing(missing, monkeypatch, capsys):
    for module in (missing, f"{missing}.models"):
        monkeypatch.setitem(sys.modules, module, None)
    sentence = rf"'{missing}'.* pip install 'uniclip-keras\[clip-benchmark\]'"
    if missing == "torch":
        with pytest.raises(InputError, match=sentence):
            clip_benchmark.adapt(None, None, tiny.SIZE)
    else:
        with pytest.raises(SystemExit):
            clip_benchmark.main()
        message = capsys.readouterr().err
        assert message.startswith("error: CLIP_benchmark needs the package")


def test_figures_equal_those_of_clip_benchmark(tmp_path, model_and_tokenizer):
    """An exported workdir, with a model type registered twice."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("clip_benchmark")
    from clip_benchmark.datasets.builder import image_captions_collate_fn
    from clip_benchmark.metrics import zeroshot_classification
    from clip_benchmark.metrics import zeroshot_retrieval
    from clip_benchmark.models import MODEL_TYPES
    from clip_benchmark.models import load_clip

    model, tokenizer = model_and_tokenizer
    export_saved_model(model, tokenizer, tiny.SIZE, tmp_path / "saved_model")
    clip_benchmark.register()
    clip_benchmark.register()
    assert MODEL_TYPES.count("uniclip_keras") == 1
    adapted, transform, texts = load_clip(
        "uniclip_keras", "any", str(tmp_path), None, "cpu"
    )
    images = [Image.fromarray(smooth_pixels(seed)) for seed in range(20)]
    views = [transform(image) for image in images]
    labels = np.random.default_rng(0).integers(0, len(WORDS), 20)
    captions = [[f"{number} red", f"{number} blue"] for number in range(20)]
    embedded = model.encode_image(np.stack(views)).numpy()
    embed = evaluation.Embedder(model, tokenizer, 8).texts

    class Images(list):
        classes = WORDS

    pairs = Images(zip(views, map(int, labels), strict=True))
    theirs = zeroshot_classification.evaluate(
        adapted,
        torch.utils.data.DataLoader(pairs, batch_size=8),
        texts,
        WORDS,
        ["{c}", "a {c}"],
        "cpu",
        amp=False,
    )
    classes = evaluation.class_embeddings(
        embed, [[word] for word in WORDS], ["{}", "a {}"]
    )
    ours = evaluation.zero_shot(embedded, classes, labels, range(5)).summary()
    assert 0 < ours["top1"] < ours["top5"] == 1
    names = {"acc1": "top1", "acc5": "top5"}
    names["mean_per_class_recall"] = "mean_per_class"
    for their, our in names.items():
        assert theirs[their] == pytest.approx(ours[our], abs=1e-6)

    theirs = zeroshot_retrieval.evaluate(
        adapted,
        torch.utils.data.DataLoader(
            list(zip(views, captions, strict=True)),
            batch_size=8,
            collate_fn=image_captions_collate_fn,
        ),
        texts,
        "cpu",
        amp=False,
        recall_k_list=[1, 5],
    )
    ours = evaluation.retrieval(
        embedded,
        embed([caption for both in captions for caption in both]),
        np.arange(20),
        np.repeat(np.arange(20), 2),
    )
    found_by = ("image", "text_to_image"), ("text", "image_to_text")
    for k in (1, 5):
        for found, way in found_by:
            their = theirs[f"{found}_retrieval_recall@{k}"]
            our = ours[way].summary()[f"R@{k}"]
            assert their == pytest.approx(our, abs=1e-6)
