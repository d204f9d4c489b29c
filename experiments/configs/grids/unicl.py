"""Captions and labels together, against each alone, at equal images.

UniCL's loss on `unicl_emoji.py`, whose variants share a vocabulary, and
label-aware MP-NCE in its place: positives compete with negatives alone, and
every image and text is its own positive. Prepare Fashion-MNIST first.

    python -m experiments.ablate --grid=experiments/configs/grids/unicl.py \
        --workdir=runs/unicl --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import unicl_emoji
from experiments.configs.evaluation import emoji_validation
from experiments.configs.methods import METHODS


def get_config():
    runs = {
        name: vary(unicl_emoji.get_config(name), {"validation.every": 0})
        for name in unicl_emoji.VARIANTS
    }
    runs["joint, mp_nce"] = vary(
        runs["joint"], {"objective": METHODS["uniclip"]}
    )
    evaluation = emoji_validation.get_config()
    with evaluation.unlocked():
        # Nothing is chosen on it.
        evaluation.zero_shot.fashion = (
            unicl_emoji.get_config().evaluation.zero_shot.fashion
        )
    return grid(runs, evaluation, seeds=(0,))
