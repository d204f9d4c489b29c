"""What the emoji recipe gains from two captions, and from labels.

Each run shows the untouched image first. `captions` draws two captions of an
image, positives of each other. `labels` draws a third of its images with their
subgroup as label and text, so that MP-NCE joins images of a class.

    python -m experiments.ablate --grid=experiments/configs/grids/recipe.py \
        --workdir=runs/recipe --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation

LABELED = {
    "path": "train-*.tar",
    "label_field": "subgroup",
    "classes": "subgroups.json",
    "weight": 4.0,
}


def get_config():
    config = emoji.get_config()
    weak, strong = config.data.views
    untouched = {"data.views": [{**weak, "identity": 1.0}, strong]}
    captions = {"data.captions_per_image": 2}
    labels = {"data.train": {**config.data.train.to_dict(), "labeled": LABELED}}
    return grid(
        {
            "demo": vary(config, {"data.views": [weak, strong]}),
            "untouched": vary(config, untouched),
            "captions": vary(config, untouched | captions),
            "labels": vary(config, untouched | labels),
            "captions_labels": vary(config, untouched | captions | labels),
        },
        emoji_validation.get_config(),
        seeds=(0,),
    )
