"""What cheap views and labels make of the emoji recipe at equal time.

The strong view has half the resolution and short texts are cut, which buys
more steps. Their numbers were guessed from the cost of a step's parts; the
results say what each run took. All show the untouched image first.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/cheap_views.py \
        --workdir=runs/cheap_views --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.recipe import LABELED


def get_config():
    config = emoji.get_config()
    weak, strong = config.data.views
    cheap = vary(
        config,
        {
            "data.views": [{**weak, "identity": 1.0}, strong],
            "model.view_size": 16,
            "model.text_lengths": (8,),
            "validation.every": 0,
        },
    )
    train = config.data.train.to_dict()

    def labels(weight, steps):
        labeled = {**LABELED, "weight": weight}
        return vary(
            cheap, {"data.train": {**train, "labeled": labeled}, "steps": steps}
        )

    return grid(
        {
            "cheap": vary(cheap, {"steps": 1280}),
            "cheap, a third labels": labels(4.0, 1100),
            "cheap, a sixth labels": labels(1.6, 1160),
            "cheap, 288 items": vary(cheap, {"steps": 860, "batch_size": 288}),
        },
        emoji_validation.get_config(),
        seeds=(0,),
    )
