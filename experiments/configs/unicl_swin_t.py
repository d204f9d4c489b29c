"""UniCL's Swin-T at the scale of its paper (Yang et al., CVPR 2022, table 4).

    --config=experiments/configs/unicl_swin_t.py[:VARIANT]

| variant | trains on | zero-shot ImageNet of the paper |
| --- | --- | --- |
| imagenet21k | ImageNet-21K | 28.5 % |
| yfcc14m | YFCC14M | 30.1 % |
| half | half of each | 36.4 % |
| both | both (the default) | 40.5 % |

Nobody has trained them here. Tars with a label field hold ImageNet-21K, those
of img2dataset YFCC14M.
"""

from experiments.configs.base import base
from experiments.configs.base import use_paper_tasks
from experiments.configs.methods import use_method
from uniclip_keras.errors import InputError

# About as many images as the paper counts.
IMAGES = {"imagenet21k": 13_000_000, "yfcc14m": 14_000_000}
# Name -> the share of each source that trains.
VARIANTS = {
    "imagenet21k": {"imagenet21k": 1.0},
    "yfcc14m": {"yfcc14m": 1.0},
    "half": {"imagenet21k": 0.5, "yfcc14m": 0.5},
    "both": {"imagenet21k": 1.0, "yfcc14m": 1.0},
}
EPOCHS, WARMUP_EPOCHS = 32, 5
# Half of the tars of a source, those with an even number.
HALF = "*[02468].tar"


def get_config(variant="both"):
    if variant not in VARIANTS:
        raise InputError(
            f"unicl_swin_t has no variant {variant!r}; choose from "
            f"{', '.join(VARIANTS)}."
        )
    shares = VARIANTS[variant]
    config = base()
    config.name = "unicl_swin_t"
    if variant != "both":
        config.name += f"_{variant}"
    config.data.directory = "data"
    sources = {
        "imagenet21k": {
            "label_field": "label",
            "classes": "imagenet21k-classes.json",
        },
        "yfcc14m": {},
    }
    for name, share in shares.items():
        pattern = HALF if share < 1 else "*.tar"
        sources[name]["path"] = f"{name}/{pattern}"
        # A sample is as likely as any other.
        sources[name]["weight"] = share * IMAGES[name] / 1e6
    config.data.train = {name: sources[name] for name in shares}
    config.data.prompts = "photo"

    config.image_encoder = {
        "kind": "backbone",
        "backbone": "keras_hub:SwinTransformerBackbone",
        "options": {
            "embed_dim": 96,
            "depths": (2, 2, 6, 2),
            "num_heads": (3, 6, 12, 24),
            "window_size": 7,
            "drop_path": 0.2,
        },
    }

    images = sum(share * IMAGES[name] for name, share in shares.items())
    epoch = images / config.batch_size
    config.steps = int(EPOCHS * epoch)
    # 5e-4 for 512 samples.
    config.optimizer.learning_rate = 5e-4 * config.batch_size / 512
    config.optimizer.warmup_steps = int(WARMUP_EPOCHS * epoch)
    config.optimizer.weight_decay = 0.1
    config.optimizer.clip_norm = 5.0
    use_method(config, "unicl")
    use_paper_tasks(config)
    return config
