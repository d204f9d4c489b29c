"""One temperature and offset for all pairs of domains, at full length.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/similarity.py \
        --workdir=runs/similarity --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation


def get_config():
    config = vary(demo.get_config(), {"validation.every": 0})
    shared = {**config.objective, "shared": True}
    return grid(
        {
            "recipe": config,
            "shared": vary(config, {"objective": shared}),
        },
        emoji_validation.get_config(),
        seeds=(0, 1, 2),
    )
