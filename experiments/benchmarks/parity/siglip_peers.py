"""SigLIPs of transformers and of open_clip with random weights, as files.

Imports neither TensorFlow nor Keras: it runs in an interpreter of its own,
which also has sentencepiece, protobuf and timm. The fixtures of the tests are

    TF_CPP_MIN_LOG_LEVEL=2 python -m \\
        experiments.benchmarks.parity.siglip_peers tests/fixtures/siglip
"""

import json
import math
import pathlib
import sys
import tempfile

import numpy as np

from experiments.benchmarks.parity import peers

CAPTIONS = (
    "A photo of a cat.",
    "  two dogs, one ball -- and_no cat!  ",
    "Ein rotes Herz; UN CŒUR ROUGE",
    "красное сердце, 红苹果",
    "(unknown: Ω) \u2581red\u3000heart",
    "...",
    "",
    "a photo of the small red heart and the large cat, " * 9,
)
SCALE, BIAS = 117.3, -12.9
TINY = {
    "image_size": 18,
    "patch_size": 8,
    "vocabulary": 90,
    "context": 12,
    "image": {"width": 16, "layers": 2, "heads": 2},
    "text": {"width": 16, "layers": 1, "heads": 2},
}
# All of NFKC would take more bytes than the rest of the fixture.
TINY_RULES = "2581\t20\n3000\t20\nA\t20\n"


def write(library, folder, shape, photo=None, rules=None, seed=0):
    """Writes a model of random weights into `folder`, with its embeddings.

    Args:
        library: str. "transformers" or "open_clip".
        folder: Path of the folder.
        shape: Dict of "image_size", "patch_size", "vocabulary", "context" and,
            for "image" and "text" each, "width", "layers", "heads".
        photo: str or None. Path of an image of any size to embed, too.
        rules: str or None. Rules of SentencePiece's normalization, in place of
            NFKC.
        seed: int. Of weights and images.

    Returns:
        The version of the library. `embeddings.npz` in the folder holds uint8
        `images`, strings `texts`, their `tokens`, the unit embeddings `image`
        and `text`, and the `logits` of images and texts; `photo_pixels` and
        `photo` are those of the photo.
    """
    import torch

    torch.manual_seed(seed)
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    size = shape["image_size"]
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (4, size, size, 3)).astype("uint8")
    tokens = _tokenizer(folder, shape, rules)(
        list(CAPTIONS), padding="max_length", truncation=True
    )["input_ids"]
    make = {"transformers": _transformers, "open_clip": _open_clip}[library]
    encode_image, encode_text, version = make(folder, shape)
    pixels = peers.read_photo(photo) if photo else None
    with torch.no_grad():
        found = [encode_image(images), encode_text(torch.tensor(tokens))]
        found += [encode_image(pixels[None])] if photo else []
        image, text, *of_photo = (
            torch.nn.functional.normalize(x, dim=-1) for x in found
        )
    shown = {"photo_pixels": pixels, "photo": of_photo[0]} if photo else {}
    np.savez_compressed(
        f"{folder}/embeddings.npz",
        images=images,
        texts=np.array(CAPTIONS),
        tokens=np.array(tokens),
        image=image.numpy(),
        text=text.numpy(),
        logits=(SCALE * image @ text.T + BIAS).numpy(),
        **shown,
    )
    return version


def _tokenizer(folder, shape, rules):
    import sentencepiece
    import transformers

    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
        normalization = {"normalization_rule_name": "nmt_nfkc"}
        if rules:
            file.write(rules)
            file.flush()
            normalization = {"normalization_rule_tsv": file.name}
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(text.lower() for text in CAPTIONS[:4]),
            model_prefix=f"{folder}/spiece",
            vocab_size=shape["vocabulary"],
            hard_vocab_limit=False,
            # The special ids of SigLIP's own model.
            pad_id=0,
            eos_id=1,
            unk_id=2,
            bos_id=-1,
            minloglevel=2,
            **normalization,
        )
    pathlib.Path(folder, "spiece.vocab").unlink()
    tokenizer = transformers.SiglipTokenizer(
        f"{folder}/spiece.model",
        model_max_length=shape["context"],
        # As in the published files: padding is attended to.
        model_input_names=["input_ids"],
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def _transformers(folder, shape):
    import transformers

    sizes = {name: shape[name] for name in ("image_size", "patch_size")}
    words = {
        "vocab_size": shape["vocabulary"],
        "max_position_embeddings": shape["context"],
    }
    config = transformers.SiglipConfig(
        vision_config=peers.transformers_sizes(shape["image"]) | sizes,
        text_config=peers.transformers_sizes(shape["text"]) | words,
    )
    model = _randomized(transformers.SiglipModel(config).eval())
    model.save_pretrained(folder)
    edge = shape["image_size"]
    processor = transformers.SiglipImageProcessor(
        size={"height": edge, "width": edge}
    )
    processor.save_pretrained(folder)
    encoders = peers.transformers_encoders(model, processor)
    return *encoders, transformers.__version__


def _open_clip(folder, shape):
    import open_clip
    import torch
    from safetensors.torch import save_file
    from timm.models.vision_transformer import VisionTransformer

    image, text = shape["image"], shape["text"]
    config = {
        "embed_dim": text["width"],
        "init_logit_bias": -10,
        "vision_cfg": {
            "image_size": shape["image_size"],
            "timm_model_name": "vit_base_patch16_siglip_224",
            "timm_model_pretrained": False,
            "timm_pool": "map",
            "timm_proj": "none",
        },
        "text_cfg": {
            "context_length": shape["context"],
            "vocab_size": shape["vocabulary"],
            "width": text["width"],
            "layers": text["layers"],
            "heads": text["heads"],
            "no_causal_mask": True,
            "proj_bias": True,
            "pool_type": "last",
            "norm_kwargs": {"eps": 1e-6},
        },
    }
    model = open_clip.CustomTextCLIP(**config)
    # What timm makes of the name, in other sizes.
    model.visual.trunk = VisionTransformer(
        img_size=shape["image_size"],
        patch_size=shape["patch_size"],
        embed_dim=image["width"],
        depth=image["layers"],
        num_heads=image["heads"],
        class_token=False,
        global_pool="map",
        num_classes=0,
    )
    model = _randomized(model.eval())
    weights = {k: v.contiguous() for k, v in model.state_dict().items()}
    save_file(weights, f"{folder}/open_clip_model.safetensors")
    content = json.dumps(
        {"model_cfg": config | {"custom_text": True}}, indent=2
    )
    pathlib.Path(folder, "open_clip_config.json").write_text(content)
    half = (0.5, 0.5, 0.5)
    prepare = open_clip.image_transform(
        shape["image_size"], False, half, half, "squash", "bicubic"
    )

    def encode_image(images):
        from PIL import Image

        pixels = [prepare(Image.fromarray(image)) for image in images]
        return model.encode_image(torch.stack(pixels))

    return encode_image, model.encode_text, open_clip.__version__


def _randomized(model):
    import torch

    model = peers.randomized(model)
    with torch.no_grad():
        model.logit_scale.fill_(math.log(SCALE))
        model.logit_bias.fill_(BIAS)
    return model


if __name__ == "__main__":
    for library in ("transformers", "open_clip"):
        write(library, f"{sys.argv[1]}/{library}", TINY, rules=TINY_RULES)
