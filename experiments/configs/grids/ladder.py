"""From CLIP to the demo's recipe, a step at a time, in the same time.

CLIP, the same with MP-NCE and self positives in place of its loss, the same
with the recipe's labels, and the recipe, which adds its head, an untouched
first view, a second one, and one temperature and offset. The first and the last
are those of `equal_time.py`, and so are the steps.

    python -m experiments.ablate --grid=experiments/configs/grids/ladder.py \
        --workdir=runs/ladder --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids import equal_time
from experiments.configs.methods import METHODS


def get_config():
    full = dict(equal_time.get_config().runs)
    own = vary(full["clip"], {"objective": METHODS["uniclip"]})
    runs = {
        "recipe": full["recipe"],
        "clip": full["clip"],
        "clip, self": own,
        "clip, self, labels": vary(
            own, {"data.train": full["recipe"].data.train.to_dict()}
        ),
    }
    return grid(runs, emoji_validation.get_config(), seeds=(0, 1, 2))
