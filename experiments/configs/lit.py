"""Locked-image tuning (LiT, Zhai et al., 2022): only the text side learns.

    --config=experiments/configs/lit.py[:emoji | :clip | :convnext]

`emoji` locks the small image tower of a run of `emoji.py:clip` and tunes the
rest on the same corpus: give that run with `--init_from`. The others learn a
text tower from nothing on pairs of your own: `clip` locks the image tower of a
CLIP in a local folder (`config.image_encoder.path`), `convnext` a
classifier of ImageNet, which Keras downloads. The linear heads of both towers
learn. `--config.objective.kind=siglip` learns by that loss.
"""

from experiments.configs import emoji
from experiments.configs.base import base
from experiments.configs.methods import use_method
from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

# Variant -> the image tower that it locks.
TOWERS = {
    "emoji": None,
    "clip": {"kind": "clip", "path": "clip-vit-base-patch32"},
    "convnext": {
        "kind": "backbone",
        "backbone": "keras:ConvNeXtTiny",
        "options": {"weights": "imagenet"},
        "pixels": "bytes",
    },
}


def get_config(variant="emoji"):
    if variant not in TOWERS:
        raise InputError(
            f"lit has no variant {variant!r}{suggest(variant, TOWERS)}."
        )
    if variant == "emoji":
        config = emoji.get_config("clip")
        config.name = "lit"
        # The towers have learned from these pairs already.
        config.optimizer.learning_rate = 1e-3
    else:
        config = base()
        config.name = f"lit_{variant}"
        config.image_encoder = TOWERS[variant]
        config.steps = 20_000
        use_method(config, "clip")
    if variant == "clip":
        config.evaluation.fit = "clip"
    config.model.frozen = ("image_encoder/*",)
    return config
