"""`demo.py:adamw`, and with a first view that is cropped half of the times.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/first_view.py \
        --workdir=runs/first_view --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation


def get_config():
    config = vary(demo.get_config("adamw"), {"validation.every": 0})
    untouched, strong = config.data.views
    weak = {**untouched, "identity": 0.5}
    return grid(
        {
            "recipe": config,
            "weak": vary(config, {"data.views": [weak, strong]}),
        },
        emoji_validation.get_config(),
        seeds=(0,),
    )
