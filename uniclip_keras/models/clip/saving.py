"""CLIP's files from a model of its shape."""

import json
import pathlib

import numpy as np

from uniclip_keras.errors import InputError
from uniclip_keras.layers.transformer import TransformerBlock
from uniclip_keras.models.clip.files import import_package
from uniclip_keras.models.clip.names import HuggingFace
from uniclip_keras.models.clip.settings import ACTIVATIONS
from uniclip_keras.models.image_encoders import CLIP_MEAN
from uniclip_keras.models.image_encoders import CLIP_STD


def save_clip(model, folder):
    """Writes a model of CLIP's shape as a folder of Hugging Face.

    `transformers.CLIPModel.from_pretrained(folder)` then embeds as the model
    does. Its shape is CLIP's if its towers are `clip_vit` and `clip_text` with
    `pooling="end"`, and its heads are linear, as `from_clip` makes them.

    Args:
        model: `UniCLIP`.
        folder: Local path, created if needed: `config.json`,
            `model.safetensors` and `preprocessor_config.json`.

    Raises:
        InputError: If the model has another shape, or safetensors is missing.
    """
    folder = pathlib.Path(folder)
    writer = import_package("safetensors.numpy", folder)
    towers = {"image": model.image_encoder, "text": model.text_encoder}
    blocks = {
        name: [x for x in tower.layers if isinstance(x, TransformerBlock)]
        for name, tower in towers.items()
    }
    arrays = {}
    for name, tower in towers.items():
        entries = list(getattr(HuggingFace, name)(len(blocks[name])))
        weights = {weight.path: weight for weight in tower.weights}
        if set(weights) != {entry.ours for entry in entries}:
            raise _other_shape(f"the {name} encoder {tower.name!r}")
        for entry in entries:
            arrays |= entry.write(weights[entry.ours])
    head = model.image_projection
    if head.norm is not None or head.blocks or model.augmentation_encoder:
        raise _other_shape("the image head, which is not linear,")
    if not all(block.causal for block in blocks["text"]):
        raise _other_shape("the text encoder, which is not causal,")
    if model.text_bias:
        raise _other_shape("the text head, which has a bias,")
    if _pools_a_mean(model.text_encoder):
        raise _other_shape("the text encoder, which averages its tokens,")
    similarity = model.objective.similarity
    pair = 0 if similarity.shared else similarity.pair_index("image", "text")
    scale = -np.asarray(similarity.log_temperature)[pair]
    arrays[HuggingFace.logit_scale] = np.asarray(scale, np.float32)
    for name, projection in (
        (HuggingFace.image_projection, head.projection),
        (HuggingFace.text_projection, model.text_projection.projection),
    ):
        kernel = np.asarray(projection.kernel)
        arrays[name] = np.ascontiguousarray(kernel.T)
    folder.mkdir(parents=True, exist_ok=True)
    config = _config(model, blocks, arrays)
    size = config["vision_config"]["image_size"]
    for name, content in (
        ("config.json", config),
        ("preprocessor_config.json", _preprocessor(size)),
    ):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n")
    # transformers looks for this note.
    path = str(folder / "model.safetensors")
    writer.save_file(arrays, path, metadata={"format": "pt"})


def _other_shape(what):
    return InputError(
        f"{what} is not CLIP's, so transformers has no place for it; save the "
        "model as .keras, or export it."
    )


def _pools_a_mean(encoder):
    return any(layer.name == "features" for layer in encoder.layers)


def _config(model, blocks, arrays):
    def tower(layers):
        block = layers[0]
        return {
            "hidden_size": block.out[0].shape[0],
            "intermediate_size": block.mlp_width,
            "num_hidden_layers": len(layers),
            "num_attention_heads": block.heads,
            "hidden_act": ACTIVATIONS.get(block.activation, block.activation),
            "layer_norm_eps": 1e-5,
            "projection_dim": model.embedding_dim,
        }

    patches = arrays["vision_model.embeddings.patch_embedding.weight"]
    words = arrays["text_model.embeddings.token_embedding.weight"]
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": model.embedding_dim,
        "logit_scale_init_value": float(arrays[HuggingFace.logit_scale]),
        "vision_config": {
            **tower(blocks["image"]),
            "model_type": "clip_vision_model",
            "image_size": model.image_encoder.input_shape[1],
            "patch_size": patches.shape[-1],
        },
        "text_config": {
            **tower(blocks["text"]),
            "model_type": "clip_text_model",
            "vocab_size": len(words),
            "max_position_embeddings": model.text_encoder.input_shape[1],
            # The end has the largest id.
            "bos_token_id": len(words) - 2,
            "eos_token_id": len(words) - 1,
            "pad_token_id": 0,
        },
    }


def _preprocessor(size):
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": True,
        "size": {"shortest_edge": size},
        "do_center_crop": True,
        "crop_size": {"height": size, "width": size},
        "do_rescale": True,
        "do_normalize": True,
        "image_mean": list(CLIP_MEAN),
        "image_std": list(CLIP_STD),
        "resample": 3,
    }
