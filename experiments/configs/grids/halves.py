"""What moves the recipe of `demo.py:adamw`, in runs of half its length.

Around its first form: a weight decay of 0.05 and weights that are balanced
over the pairs of domains.

    python -m experiments.ablate --grid=experiments/configs/grids/halves.py \
        --workdir=runs/halves --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation


def get_config():
    base = vary(
        demo.get_config("adamw"),
        {
            "steps": 370,
            "optimizer.warmup_steps": 40,
            "optimizer.weight_decay": 0.05,
            "validation.every": 0,
        },
    )
    larger = {
        "batch_size": 432,
        "steps": 247,
        "optimizer.warmup_steps": 30,
    }
    runs = {
        "base": {},
        "items_432": larger,
        "lr_6": {"optimizer.learning_rate": 6e-3},
        "text_0": pair_weights(2.0, 1.0, 0.0),
        "image_text_4": pair_weights(4.0, 1.0, 1.0),
        "wd_0.5": _decay(0.5),
        "wd_1": _decay(1.0),
        "wd_2": _decay(2.0),
        "wd_0.5, self_2": _decay(0.5) | pair_weights(1.0, 2.0, 2.0),
        "wd_0.5, image_2": _decay(0.5) | pair_weights(1.0, 2.0, 1.0),
    }
    return grid(
        {name: vary(base, changes) for name, changes in runs.items()},
        emoji_validation.get_config(),
        seeds=(0,),
    )


def _decay(decay):
    return {"optimizer.weight_decay": decay}


def pair_weights(image_text, image_image, text_text):
    shares = {
        "image-text": image_text,
        "image-image": image_image,
        "text-text": text_text,
    }
    return {"objective.domain_weights": shares}
