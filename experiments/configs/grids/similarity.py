"""One temperature and offset for all pairs of domains, or their own for each.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/similarity.py \
        --workdir=runs/similarity --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation


def get_config():
    return grid(
        {
            variant: vary(demo.get_config(variant), {"validation.every": 0})
            for variant in ("shared", "domains")
        },
        emoji_validation.get_config(),
        seeds=(0, 1, 2),
    )
