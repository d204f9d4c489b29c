"""What recipes for the emoji corpus are chosen on: no test split is read.

    python -m experiments.evaluate --workdir=runs/emoji \
        --evaluation=experiments/configs/evaluation/emoji_validation.py \
        --results_dir=runs/emoji/chosen_on
"""

from experiments.configs import emoji


def get_config():
    config = emoji.get_config()
    section = config.evaluation
    with config.unlocked():
        for group in (section.retrieval, section.zero_shot):
            for name in [name for name in group if name[:4] != "val_"]:
                del group[name]
        section.headline = "val_style"
        # As in the run.
        section.fit = ""
    return section
