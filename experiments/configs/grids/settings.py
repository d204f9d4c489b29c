"""The rate, temperature and first view of each method with Muon.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/settings.py \
        --workdir=runs/settings --jobs=2

One change each to the best runs of `muon.py`, in as many steps: twice the
learning rate, a first temperature of 0.2, and the two first views that a
method does not have of untouched, weak and strong.
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.muon import BEST_RATE
from experiments.configs.grids.muon import RIVALS
from experiments.configs.grids.muon import rival_config
from experiments.configs.grids.muon import trial


def get_config():
    recipe = vary(demo.get_config("domains"), {"validation.every": 0})
    methods = {"recipe": recipe}
    methods |= {name: rival_config(name) for name in RIVALS}
    weak, strong = emoji.get_config().data.views
    first_views = {
        "untouched": {**weak, "identity": 1.0},
        "weak": weak,
        "strong": strong,
    }
    runs = {}
    for name, config in methods.items():
        temperature = 0.2
        if name == "slip":  # Its views keep theirs, which is fixed.
            temperature = {"image-text": 0.2, "view-view": 0.1}
        objective = {**config.objective, "temperature": temperature}
        changes = {
            "rate": {"optimizer.learning_rate": 2 * BEST_RATE},
            "temperature": {"objective": objective},
        }
        own, *others = config.data.views
        for view, first in first_views.items():
            if first != own:
                changes[view] = {"data.views": [first, *others]}
        for change, options in changes.items():
            runs[f"{name}/{change}"] = trial(config, options)
    return grid(runs, emoji_validation.get_config(), seeds=(0,))
