"""The learning rate and weight decay of each method, by short trials.

    python -m experiments.ablate --grid=experiments/configs/grids/trials.py \
        --workdir=runs/trials --jobs=2

What is best at R@1 of `val_style` goes on to `equal_time.py`.
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.recipe import LABELED

RATES = (2e-3, 4e-3, 1e-3)
# Name -> its method, items of a batch, whether it also draws labels, and the
# steps in the processor time of 900 of the first, as `--pilot` found them.
METHODS = {
    "uniclip": ("uniclip", 192, False, 900),
    "uniclip_labels": ("uniclip", 192, True, 778),
    "clip": ("clip", 384, False, 810),
    "slip": ("slip", 192, False, 821),
    "unicl_labels": ("unicl", 384, True, 668),
}
# Beside 0.05, at the rate that was best.
DECAYS = (0.5, 1.0)
BEST_RATES = {"clip": 2e-3, "slip": 4e-3, "unicl_labels": 4e-3}


def method_config(name):
    """Returns the configuration of one of `METHODS`, at full length."""
    method, items, has_labels, steps = METHODS[name]
    config = emoji.get_config(method)
    changes = {"batch_size": items, "steps": steps, "validation.every": 0}
    if has_labels:
        train = config.data.train.to_dict()
        changes["data.train"] = {**train, "labeled": LABELED}
    return vary(config, changes)


def get_config():
    runs = {
        f"{name}/lr_{rate:g}": _trial(name, rate)
        for rate in RATES
        for name in METHODS
    }
    for decay in DECAYS:
        for name, rate in BEST_RATES.items():
            runs[f"{name}/decay_{decay:g}"] = vary(
                _trial(name, rate), {"optimizer.weight_decay": decay}
            )
    return grid(runs, emoji_validation.get_config(), seeds=(0,))


def _trial(name, rate):
    config = method_config(name)
    changes = {
        "optimizer.learning_rate": rate,
        "optimizer.warmup_steps": 30,
        "steps": config.steps // 3,
        "checkpoint_every": 300,
    }
    return vary(config, changes)
