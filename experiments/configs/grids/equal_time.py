"""The demo's recipe against CLIP, SLIP and UniCL, at equal processor time.

UniCL draws the same captions and labels as the recipe. Each method has the
rate and weight decay that were best at R@1 of `val_style` in trials of a third
of the time (`trials.py`, `muon.py`). The steps of the rivals follow from what
a step of each took in first runs; the results say what all took.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/equal_time.py[:muon | :adamw] \
        --workdir=runs/equal_time --jobs=2

All take the steps of Muon, or all those of AdamW. AdamW's steps were counted
before small images were cut into views by the chunk, which takes seconds from
every method.
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import demo
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.muon import DECAYS
from experiments.configs.grids.muon import rival_config

# Optimizer -> steps of the recipe; method -> its steps in this time, its rate.
STEPS = {"muon": 920, "adamw": 740}
RIVALS = {
    "muon": {"clip": (1040, 8e-3), "slip": (960, 8e-3), "unicl": (960, 8e-3)},
    "adamw": {"clip": (810, 2e-3), "slip": (821, 4e-3), "unicl": (668, 4e-3)},
}


def get_config(optimizer="muon"):
    recipe = vary(
        demo.get_config(optimizer),
        {"steps": STEPS[optimizer], "validation.every": 0},
    )
    runs = {"recipe": recipe}
    for name, (steps, rate) in RIVALS[optimizer].items():
        changes = {
            "steps": steps,
            "optimizer.muon": optimizer == "muon",
            "optimizer.learning_rate": rate,
            "optimizer.weight_decay": DECAYS[name],
        }
        if name == "unicl":
            changes["data.train"] = recipe.data.train.to_dict()
        runs[name] = vary(rival_config(name), changes)
    return grid(runs, emoji_validation.get_config(), seeds=(0, 1, 2))
