"""Should the first view of the emoji recipe sometimes be the untouched image?

With a probability of 0, of a quarter, or always. Decided on validation data:

    python -m experiments.ablate --grid=experiments/configs/grids/identity.py \
        --workdir=runs/identity --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation


def get_config():
    config = emoji.get_config()
    weak, strong = config.data.views
    return grid(
        {
            f"identity_{share}": vary(
                config, {"data.views": [{**weak, "identity": share}, strong]}
            )
            for share in (0.0, 0.25, 1.0)
        },
        emoji_validation.get_config(),
        seeds=(0, 1),
    )
