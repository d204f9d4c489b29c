"""CLIPs of transformers and of open_clip with random weights, as files.

Imports neither TensorFlow nor Keras: it runs in an interpreter of its own.
"""

import json
import pathlib

import numpy as np


def write(library, folder, shape, photo=None, seed=0):
    """Writes a model of random weights into `folder`, with its embeddings.

    Args:
        library: str. "transformers" or "open_clip".
        folder: Path of the folder.
        shape: Dict of "image_size", "patch_size", "vocabulary", "context",
            "dim", "activation" and, for "image" and "text" each, "width",
            "layers", "heads".
        photo: str or None. Path of an image of any size to embed, too.
        seed: int. Of weights, images and tokens.

    Returns:
        The version of the library. `embeddings.npz` in the folder holds uint8
        `images`, int `tokens`, and the unit embeddings `image` and `text`;
        `photo_pixels` and `photo` are those of the photo.
    """
    import torch

    torch.manual_seed(seed)
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    images, tokens = make_inputs(shape, seed)
    make = {"transformers": _transformers, "open_clip": _open_clip}[library]
    encode_image, encode_text, version = make(folder, shape)
    with torch.no_grad():
        found = {
            "image": encode_image(images),
            "text": encode_text(torch.from_numpy(tokens)),
        }
        pixels = {}
        if photo:
            pixels["photo_pixels"] = read_photo(photo)
            found["photo"] = encode_image(pixels["photo_pixels"][None])
    unit = {
        name: (x / x.norm(dim=-1, keepdim=True)).float().numpy()
        for name, x in found.items()
    }
    path = f"{folder}/embeddings.npz"
    np.savez(path, images=images, tokens=tokens, **unit, **pixels)
    return version


def read_photo(path):
    """Returns the uint8 pixels `[h, w, 3]` of an image file."""
    from PIL import Image

    return np.array(Image.open(path).convert("RGB"))


def make_inputs(shape, seed):
    """Returns uint8 images `[4, size, size, 3]` and tokens `[4, context]`."""
    rng = np.random.default_rng(seed)
    size, end = shape["image_size"], shape["vocabulary"] - 1
    images = rng.integers(0, 256, (4, size, size, 3)).astype("uint8")
    tokens = np.zeros((4, shape["context"]), np.int64)
    for row, length in zip(tokens, (3, 5, 9, shape["context"]), strict=True):
        length = min(length, len(row))
        row[:length] = rng.integers(1, end - 1, length)
        row[0], row[length - 1] = end - 1, end
    return images, tokens


def transformers_sizes(tower):
    """Returns a tower's sizes by the names of transformers' configurations."""
    return {
        "hidden_size": tower["width"],
        "intermediate_size": 4 * tower["width"],
        "num_hidden_layers": tower["layers"],
        "num_attention_heads": tower["heads"],
    }


def _transformers(folder, shape):
    import transformers

    def tower(name):
        return transformers_sizes(shape[name]) | {
            "hidden_act": shape["activation"],
            "projection_dim": shape["dim"],
        }

    end = shape["vocabulary"] - 1
    sizes = {name: shape[name] for name in ("image_size", "patch_size")}
    config = transformers.CLIPConfig(
        vision_config=tower("image") | sizes,
        text_config=tower("text")
        | {
            "vocab_size": shape["vocabulary"],
            "max_position_embeddings": shape["context"],
            "bos_token_id": end - 1,
            "eos_token_id": end,
        },
        projection_dim=shape["dim"],
    )
    model = randomized(transformers.CLIPModel(config).eval())
    model.save_pretrained(folder)
    edge = shape["image_size"]
    processor = transformers.CLIPImageProcessor(
        size={"shortest_edge": edge}, crop_size={"height": edge, "width": edge}
    )
    processor.save_pretrained(folder)
    return *transformers_encoders(model, processor), transformers.__version__


def compare(folder, expected):
    """Embeds with transformers what a folder of weights and `expected` hold.

    Args:
        folder: Path of a folder of Hugging Face.
        expected: Path of an `embeddings.npz`.

    Returns:
        Dict of "image" and "text" -> the largest difference of embeddings.
    """
    import torch
    import transformers

    model = transformers.CLIPModel.from_pretrained(folder).eval()
    processor = transformers.CLIPImageProcessor.from_pretrained(folder)
    encoders = transformers_encoders(model, processor)
    with np.load(expected) as file, torch.no_grad():
        inputs = file["images"], torch.from_numpy(file["tokens"])
        found = {}
        for name, encode, x in zip(
            ("image", "text"), encoders, inputs, strict=True
        ):
            unit = torch.nn.functional.normalize(encode(x), dim=-1).numpy()
            found[name] = float(np.abs(unit - file[name]).max())
    return found


def transformers_encoders(model, processor):
    def encode_image(images):
        pixels = processor(list(images), return_tensors="pt")["pixel_values"]
        return _pooled(model.get_image_features(pixel_values=pixels))

    def encode_text(tokens):
        return _pooled(model.get_text_features(input_ids=tokens))

    return encode_image, encode_text


def _pooled(found):
    # Versions from 5 wrap the embeddings.
    return getattr(found, "pooler_output", found)


def _open_clip(folder, shape):
    import open_clip
    import torch
    from safetensors.torch import save_file

    image, text = shape["image"], shape["text"]
    config = {
        "embed_dim": shape["dim"],
        "quick_gelu": shape["activation"] == "quick_gelu",
        "vision_cfg": {
            "image_size": shape["image_size"],
            "patch_size": shape["patch_size"],
            "width": image["width"],
            "layers": image["layers"],
            "head_width": image["width"] // image["heads"],
        },
        "text_cfg": {
            "context_length": shape["context"],
            "vocab_size": shape["vocabulary"],
            "width": text["width"],
            "layers": text["layers"],
            "heads": text["heads"],
        },
    }
    model = randomized(open_clip.CLIP(**config).eval())
    weights = {k: v.contiguous() for k, v in model.state_dict().items()}
    save_file(weights, f"{folder}/open_clip_model.safetensors")
    torch.save(weights, f"{folder}/state_dict.pt")
    text = json.dumps({"model_cfg": config}, indent=2)
    pathlib.Path(folder, "open_clip_config.json").write_text(text)

    def encode_image(images):
        from PIL import Image

        prepare = open_clip.image_transform(shape["image_size"], False)
        pixels = [prepare(Image.fromarray(image)) for image in images]
        return model.encode_image(torch.stack(pixels))

    return encode_image, model.encode_text, open_clip.__version__


def randomized(model):
    """Gives every weight a value of its own: none stays 0 or 1."""
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name != "logit_scale":
                weight.add_(0.02 * torch.randn_like(weight))
    return model
