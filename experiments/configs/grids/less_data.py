"""Do views and self positives pay more when there is less to learn from?

UniCLIP's recipe on captions, CLIP, and CLIP with self positives, each on a
fifth and on two fifths of the training drawings (the first shards, which mix
vendors and kinds). The steps are those of `losses.py`, whose runs are the same
recipes on all drawings.

    python -m experiments.ablate \
        --grid=experiments/configs/grids/less_data.py \
        --workdir=runs/less_data --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids import losses

RECIPES = ("mp_nce, self", "clip", "clip, self")
SHARDS = {"a fifth": "00000", "two fifths": "0000[01]"}


def get_config():
    whole = dict(losses.get_config().runs)

    def less(name, shards):
        config = whole[name]
        train = {
            part: {**source, "path": source["path"].replace("*", shards)}
            for part, source in config.data.train.to_dict().items()
        }
        return vary(config, {"data.train": train})

    return grid(
        {
            f"{share}, {name}": less(name, shards)
            for share, shards in SHARDS.items()
            for name in RECIPES
        },
        emoji_validation.get_config(),
        seeds=(0,),
    )
