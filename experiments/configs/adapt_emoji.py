"""The demo's model learns Fashion-MNIST, and keeps what it knew.

    python -m experiments.pretrain --config=experiments/configs/adapt_emoji.py \
        --init_from=runs/emoji --workdir=runs/adapted

UniCL's loss joins its labels with the captions and labels that the model was
trained on, half of each. `adapt_emoji.py:naive` trains on the new labels alone,
for as many steps. Prepare Fashion-MNIST first:
`experiments.prepare_fashion_mnist`.
"""

from experiments.configs import demo
from experiments.configs import unicl_emoji
from experiments.configs.methods import METHODS
from uniclip_keras.errors import InputError


def get_config(variant="joint"):
    if variant not in ("joint", "naive"):
        raise InputError(
            f"adapt_emoji has no variant {variant!r}; choose joint or naive."
        )
    config = unicl_emoji.get_config()
    config.name = "adapt_emoji"
    if variant != "joint":
        config.name += f"_{variant}"
    # The heads of the model to start from.
    config.model = demo.get_config().model
    config.objective = METHODS["unicl"]
    known, fashion = demo.get_config().data.train, config.data.train.fashion
    fashion.weight = sum(source.weight for source in known.values())
    if variant == "naive":
        for source in known.values():
            source.weight = 0.0
    config.data.train = {**known, "fashion": fashion}
    config.steps = 900
    config.optimizer.learning_rate = 1e-3
    config.optimizer.warmup_steps = 30
    config.validation.every = 0
    return config
