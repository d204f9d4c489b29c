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
from experiments.configs.grids.muon import RIVALS
from experiments.configs.grids.muon import rival_config

STEPS = {
    "muon": {"recipe": 920, "clip": 1040, "slip": 960, "unicl": 960},
    "adamw": {"recipe": 740, "clip": 810, "slip": 821, "unicl": 668},
}
DEMOS = {"muon": "shared", "adamw": "adamw"}


def get_config(optimizer="muon"):
    runs = {
        "recipe": vary(
            demo.get_config(DEMOS[optimizer]), {"validation.every": 0}
        )
    }
    for name in RIVALS:
        runs[name] = rival_config(name, optimizer)
    runs["unicl"] = vary(
        runs["unicl"], {"data.train": runs["recipe"].data.train.to_dict()}
    )
    runs = {
        name: vary(config, {"steps": STEPS[optimizer][name]})
        for name, config in runs.items()
    }
    return grid(runs, emoji_validation.get_config(), seeds=(0, 1, 2))
