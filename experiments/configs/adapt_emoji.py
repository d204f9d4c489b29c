"""A trained emoji model learns Fashion-MNIST, and keeps what it knew.

    python -m experiments.pretrain --config=experiments/configs/adapt_emoji.py \
        --init_from=runs/emoji --workdir=runs/adapted

UniCL's loss joins the labels with the captions that the model was trained on,
half of each. `adapt_emoji.py:naive` trains on the labels alone, for as many
steps. Prepare Fashion-MNIST first: `experiments.prepare_fashion_mnist`.
"""

from experiments.configs import emoji
from experiments.configs import unicl_emoji
from experiments.configs.methods import METHODS
from uniclip_keras.errors import InputError


def get_config(variant="joint"):
    if variant not in ("joint", "naive"):
        raise InputError(
            f"adapt_emoji has no variant {variant!r}; choose joint or naive."
        )
    config = unicl_emoji.get_config("pairs")
    config.name = "adapt_emoji"
    if variant != "joint":
        config.name += f"_{variant}"
    # The heads of the model to start from.
    config.model = emoji.get_config().model
    config.objective = METHODS["unicl"]
    sources = config.data.train
    del sources["drawings"]
    if variant == "naive":
        sources.base.weight = sources.tones.weight = 0.0
    sources.fashion.weight = 8.0
    config.steps = 300
    config.optimizer.learning_rate = 1e-3
    config.optimizer.warmup_steps = 30
    config.validation.every = 0
    return config
