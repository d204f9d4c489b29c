"""The demo's recipe against CLIP, SLIP and UniCL, at equal processor time.

All take the steps of Muon, each with the rate and weight decay that were best
at R@1 of `val_style` in trials of a third of the time (`trials.py`, `muon.py`).
UniCL draws the same captions and labels as the recipe. The steps of the rivals
follow from what a step of each took in these trials; the results say what each
run took.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/equal_time.py \
        --workdir=runs/equal_time --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.muon import DECAYS
from experiments.configs.grids.trials import method_config

# Name -> the steps in the time of the recipe, and the rate.
RIVALS = {
    "clip": (880, 8e-3),
    "slip": (760, 8e-3),
    "unicl_labels": (700, 8e-3),
}


def get_config():
    recipe = vary(demo.get_config(), {"validation.every": 0})
    runs = {"recipe": recipe}
    for name, (steps, rate) in RIVALS.items():
        changes = {
            "steps": steps,
            "optimizer.muon": True,
            "optimizer.learning_rate": rate,
            "optimizer.weight_decay": DECAYS[name],
        }
        if name == "unicl_labels":
            changes["data.train"] = recipe.data.train.to_dict()
        runs[name] = vary(method_config(name), changes)
    return grid(runs, emoji_validation.get_config(), seeds=(0, 1, 2))
