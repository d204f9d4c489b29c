"""UniCL on emoji and Fashion-MNIST: captions and labels in one space.

    --config=experiments/configs/unicl_emoji.py[:joint | :pairs | :labels]

`joint` mixes pairs and labels half and half. `pairs` and `labels` train on one
of them for as many steps, with the vocabulary of both. Prepare the data first:
`experiments.prepare_emoji` and `experiments.prepare_fashion_mnist`.
"""

from experiments.configs import emoji
from uniclip_keras.errors import InputError

PAIRS = ("base", "tones")
LABELS = ("drawings", "fashion")
# Name -> the sources that train; the others add words to the vocabulary.
VARIANTS = {"joint": PAIRS + LABELS, "pairs": PAIRS, "labels": LABELS}

_FASHION = {"label_field": "label", "classes": "../fashion_mnist/classes.json"}


def get_config(variant="joint"):
    if variant not in VARIANTS:
        raise InputError(
            f"unicl_emoji has no variant {variant!r}; choose from "
            f"{', '.join(VARIANTS)}."
        )
    config = emoji.get_config("unicl")
    config.name = "unicl_emoji"
    if variant != "joint":
        config.name += f"_{variant}"
    # One view per image costs half of two, so the batch is twice as large.
    config.batch_size = 384
    config.data.train.update(
        {
            "drawings": {
                "path": "train-*.tar",
                "label_field": "subgroup",
                "classes": "subgroups.json",
                "weight": 4.0,
            },
            "fashion": {
                "path": "../fashion_mnist/train-*.tar",
                "weight": 4.0,
                **_FASHION,
            },
        }
    )
    for name, source in config.data.train.items():
        if name not in VARIANTS[variant]:
            source.weight = 0.0
    # A tuple of templates replaces a name of templates.
    with config.ignore_type():
        config.data.prompts = (
            "{}",
            "a picture of {}",
            "a drawing of {}",
            "an image of {}",
        )
    config.evaluation.zero_shot.fashion = {
        "title": "Fashion-MNIST",
        "path": "../fashion_mnist/test-*.tar",
        **_FASHION,
    }
    return config
