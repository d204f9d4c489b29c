"""Muon's learning rate for each method, by short trials.

    python -m experiments.ablate --grid=experiments/configs/grids/muon.py \
        --workdir=runs/muon --jobs=2

The methods of `equal_time.py` in a third of their steps, with the weight decay
that AdamW's trials found (`trials.py`). What is best at R@1 of `val_style` goes
on to `equal_time.py`. The recipe is also tried with AdamW and its rate, and
with labels of groups beside those of subgroups.
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.trials import BEST_RATES
from experiments.configs.grids.trials import method_config

# The best, and the other.
BEST_RATE = 8e-3
RATES = (BEST_RATE, 4e-3)
# Rivals of the recipe: their names in `trials.py` and their weight decay.
RIVALS = {
    "clip": ("clip", 1.0),
    "slip": ("slip", 0.05),
    "unicl": ("unicl_labels", 0.05),
}


def get_config():
    recipe = vary(demo.get_config("adamw"), {"validation.every": 0})
    runs = {"recipe/adamw": trial(recipe, {})}
    for rate in RATES:
        changes = {"optimizer.muon": True, "optimizer.learning_rate": rate}
        runs[f"recipe/{rate:g}"] = trial(recipe, changes)
        for name in RIVALS:
            runs[f"{name}/{rate:g}"] = trial(rival_config(name), changes)
    groups = vary(demo.get_config("domains"), {"validation.every": 0})
    runs["recipe/groups"] = trial(groups, {})
    return grid(runs, emoji_validation.get_config(), seeds=(0,))


def rival_config(name, optimizer="muon"):
    """Returns a rival at full length, with the best rate of an optimizer."""
    trial, decay = RIVALS[name]
    has_muon = optimizer == "muon"
    changes = {
        "optimizer.muon": has_muon,
        "optimizer.learning_rate": BEST_RATE if has_muon else BEST_RATES[trial],
        "optimizer.weight_decay": decay,
    }
    return vary(method_config(trial), changes)


def trial(config, changes):
    """Returns a configuration in a third of its steps, and changed."""
    third = {
        "optimizer.warmup_steps": 30,
        "steps": config.steps // 3,
        "checkpoint_every": 1000,
    }
    return vary(config, third | changes)
