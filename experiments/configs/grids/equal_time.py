"""UniCLIP with labels and cheap views against its rivals, at equal time.

Each rate is the best of 1e-3, 2e-3 and 4e-3 at R@1 of `val_style`, in trials
of a third of the time (`trials.py`). The steps of the rivals are those that
`--pilot` found; the results say what each run took.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/equal_time.py \
        --workdir=runs/equal_time --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.recipe import LABELED
from experiments.configs.grids.trials import method_config


def get_config():
    config = emoji.get_config()
    weak, strong = config.data.views
    recipe = {
        "data.views": [{**weak, "identity": 1.0}, strong],
        "data.train": {**config.data.train.to_dict(), "labeled": LABELED},
        "model.view_size": 16,
        "model.text_lengths": (8,),
        "validation.every": 0,
        "batch_size": 288,
        "steps": 740,
    }

    def rival(name, rate):
        return vary(method_config(name), {"optimizer.learning_rate": rate})

    return grid(
        {
            "recipe": vary(config, recipe),
            "clip": rival("clip", 2e-3),
            "slip": rival("slip", 4e-3),
            "unicl": rival("unicl_labels", 4e-3),
        },
        emoji_validation.get_config(),
        seeds=(0, 1),
    )
