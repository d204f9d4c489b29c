"""What do the losses, self positives and views of one image each bring?

Losses over all domains at equal steps: the demo's recipe on captions alone, a
third of the steps. InfoNCE has no row, because with several positives it is
MP-NCE. CLIP and its variants, and SigLIP, at the rate and decay that CLIP's
trials found, in a third of the processor time of the full runs. CLIP's self
positives are tried with Muon, too; `muon.py` has CLIP without them.

    python -m experiments.ablate --grid=experiments/configs/grids/losses.py \
        --workdir=runs/losses --jobs=2
"""

from experiments.ablation.grid import grid
from experiments.ablation.grid import vary
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation
from experiments.configs.grids.encoder import BASE
from experiments.configs.grids.muon import BEST_RATE
from experiments.configs.grids.trials import BEST_RATES
from experiments.configs.grids.trials import method_config
from experiments.configs.methods import METHODS


def get_config():
    config = emoji.get_config()
    weak, strong = config.data.views
    config = vary(
        config, BASE | {"data.views": [{**weak, "identity": 1.0}, strong]}
    )
    runs = {}
    for kind, method in (
        ("mp_nce", "uniclip"),
        ("sup_con", "sup_con"),
        ("mil_nce", "mil_nce"),
    ):
        for positives in ("self", "others"):
            has_self = positives == "self"
            objective = {**METHODS[method], "include_self": has_self}
            runs[f"{kind}, {positives}"] = vary(
                config, {"objective": objective}
            )
    uniform = {**METHODS["uniclip"], "domain_weights": "uniform"}
    runs["mp_nce, self, uniform"] = vary(config, {"objective": uniform})

    def one_view(method, changes):
        config = method_config("clip")
        changes = {
            "objective": METHODS[method],
            "optimizer.learning_rate": BEST_RATES["clip"],
            "optimizer.weight_decay": 1.0,
            "optimizer.warmup_steps": 30,
            "steps": config.steps // 3,
            **changes,
        }
        return vary(config, changes)

    runs["clip"] = one_view("clip", {})
    runs["clip, self"] = one_view("uniclip", {})
    runs["clip, strong view"] = one_view("clip", {"data.views": [strong]})
    runs["siglip"] = one_view("siglip", {})
    runs["clip, self, muon"] = vary(
        runs["clip, self"],
        {"optimizer.muon": True, "optimizer.learning_rate": BEST_RATE},
    )
    return grid(runs, emoji_validation.get_config(), seeds=(0,))
