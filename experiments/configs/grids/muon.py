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
from experiments.configs.grids.trials import method_config

RATES = (8e-3, 4e-3)
# Rivals of the recipe, with their weight decay.
DECAYS = {"clip": 1.0, "slip": 0.05, "unicl": 0.05}


def get_config():
    recipe = vary(demo.get_config("adamw"), {"validation.every": 0})
    runs = {"recipe/adamw": _trial(recipe, 4e-3, False)}
    for rate in RATES:
        runs[f"recipe/{rate:g}"] = _trial(recipe, rate)
        for name, decay in DECAYS.items():
            config = vary(rival_config(name), {"optimizer.weight_decay": decay})
            runs[f"{name}/{rate:g}"] = _trial(config, rate)
    runs["recipe/groups"] = _trial(
        vary(demo.get_config(), {"validation.every": 0}), RATES[0]
    )
    return grid(runs, emoji_validation.get_config(), seeds=(0,))


def rival_config(name):
    """Returns the configuration of a method of `DECAYS`, at full length."""
    return method_config("unicl_labels" if name == "unicl" else name)


def _trial(config, rate, muon=True):
    changes = {
        "optimizer.muon": muon,
        "optimizer.learning_rate": rate,
        "optimizer.warmup_steps": 30,
        "steps": config.steps // 3,
        "checkpoint_every": 1000,
    }
    return vary(config, changes)
