"""Does the augmentation encoder pay where views contradict captions?

With and without it, and with other ways for its embedding to enter the head,
while the views grow stronger: those of the demo; hues turned by up to half a
circle, flips of arrows and hands, and crops from a tenth, in the second view;
and the same in both. Captions alone, 288 items, a third of the steps.

    python -m experiments.ablate --grid=experiments/configs/grids/encoder.py \
        --workdir=runs/encoder --jobs=2

Names that hold a color or a direction are compared apart:

    python -m experiments.compare runs/encoder/*/seed_0 --names='red|left'
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation

CONTRADICTING = {"crop_area": (0.1, 1.0), "flip": 0.5, "hue": 0.5}
# The demo's recipe on captions alone, in a third of the steps.
BASE = {
    "batch_size": 288,
    "steps": 287,
    "optimizer.warmup_steps": 30,
    "optimizer.weight_decay": 1.0,
    "model.view_size": 16,
    "model.text_lengths": (8,),
    "validation.every": 0,
}


def get_config():
    config = emoji.get_config()
    weak, strong = config.data.views
    contradicting = {**strong, **CONTRADICTING}
    untouched = {**weak, "identity": 1.0}
    strengths = {
        "demo": [untouched, strong],
        "second": [untouched, contradicting],
        "both": [contradicting, contradicting],
    }
    heads = {
        "encoder": {},
        "none": {"model.augmentation_units": None},
        "scale_and_shift": {"model.augmentation_fusion": "scale_and_shift"},
        "each_block": {"model.augmentation_fusion": "each_block"},
    }
    # The other ways to enter are tried where views contradict captions most.
    names = [(s, h) for h in ("encoder", "none") for s in strengths]
    names += [("both", "scale_and_shift"), ("both", "each_block")]
    return grid(
        {
            f"{strength}, {head}": vary(
                config, BASE | heads[head] | {"data.views": strengths[strength]}
            )
            for strength, head in names
        },
        emoji_validation.get_config(),
        seeds=(0, 1),
    )
