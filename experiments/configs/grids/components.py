"""What each component of UniCLIP is worth to the recipe of `demo.py:domains`.

One change each, in a third of the steps: no augmentation encoder, one
temperature and offset for all pairs of domains, those of pairs of texts fixed,
no offsets, no self positives, SupCon in place of MP-NCE, and no weight for
pairs of texts.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/components.py \
        --workdir=runs/components --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.halves import pair_weights
from experiments.configs.grids.muon import trial
from experiments.configs.methods import METHODS

NOT_OF_TEXTS = ("image-image", "image-text")


def get_config():
    config = vary(demo.get_config("domains"), {"validation.every": 0})

    def objective(**options):
        return {"objective": {**METHODS["uniclip"], **options}}

    runs = {
        "recipe": {},
        "no encoder": {"model.augmentation_units": None},
        "shared": objective(shared=True),
        "texts fixed": objective(
            learn_temperature=NOT_OF_TEXTS, learn_offset=NOT_OF_TEXTS
        ),
        "no offset": objective(learn_offset=False),
        "no self positives": objective(include_self=False),
        "sup_con": {"objective": {**METHODS["sup_con"], "include_self": True}},
        "no text-text": pair_weights(2.0, 1.0, 0.0),
    }
    return grid(
        {name: trial(config, changes) for name, changes in runs.items()},
        emoji_validation.get_config(),
        seeds=(0, 1, 2),
    )
