"""Does a second view of an image pay, in the same time?

The demo beside recipes with one view and more items, the same labels, loss and
heads, in a third of its processor time. A step of one view of 384 items costs
1.13 times one of two views of 288, the second at 16 px.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/one_view.py[:domains | :adamw] \
        --workdir=runs/one_view --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation


def get_config(variant="domains"):
    config = demo.get_config(variant)
    untouched, strong = config.data.views
    third = {
        "steps": config.steps // 3,
        "optimizer.warmup_steps": 30,
        "validation.every": 0,
    }
    one_view = third | {
        "batch_size": 384,
        "steps": round(config.steps / 3 / 1.13),
        "model.view_size": None,
    }
    weak = {**untouched, "identity": 0.5}

    def of(view):
        return vary(config, one_view | {"data.views": [view]})

    return grid(
        {
            "two views": vary(config, third),
            "untouched": of(untouched),
            "weak, half of them untouched": of(weak),
            "strong, half of them untouched": of({**strong, "identity": 0.5}),
            "two views, the first weak": vary(
                config, third | {"data.views": [weak, strong]}
            ),
        },
        emoji_validation.get_config(),
        seeds=(0,),
    )
