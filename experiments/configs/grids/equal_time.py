"""The demo's recipe against the methods as published, at equal time.

Rates and weight decays are the best at R@1 of `val_style`, in trials of a
third of the time (`trials.py`). The steps of the rivals are those that
`--pilot` found; the results say what each run took. All were counted before
small images were cut into views by the chunk, which takes seconds from every
method.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/equal_time.py \
        --workdir=runs/equal_time --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.trials import BEST_RATES
from experiments.configs.grids.trials import method_config


def get_config():
    def rival(name, decay):
        changes = {
            "optimizer.learning_rate": BEST_RATES[name],
            "optimizer.weight_decay": decay,
        }
        return vary(method_config(name), changes)

    return grid(
        {
            "recipe": vary(
                demo.get_config(), {"steps": 740, "validation.every": 0}
            ),
            "clip": rival("clip", 1.0),
            "slip": rival("slip", 0.05),
            "unicl": rival("unicl_labels", 0.05),
        },
        emoji_validation.get_config(),
        seeds=(0, 1, 2),
    )
