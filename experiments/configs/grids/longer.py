"""The demo's recipe and CLIP in three times the steps.

Does the recipe lead because it learns faster, or does it also end higher? Its
runs at equal time are those of `equal_time.py`.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/longer.py \
        --workdir=runs/longer --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids import equal_time


def get_config():
    runs = {
        name: vary(config, {"steps": 3 * config.steps})
        for name, config in equal_time.get_config().runs
        if name in ("recipe", "clip")
    }
    return grid(runs, emoji_validation.get_config(), seeds=(0,))
