"""The recipe of `make demo`: UniCLIP on the captions and labels of emoji.

What joins `emoji.py`, each chosen on validation data (docs/study.md):

- A third of the images are drawn with labels in place of captions: most with
  their subgroup, a quarter of them with their group. Images of a class are
  then positives of each other.
- The first view is the untouched image, as evaluation shows it.
- The second view has half the resolution, and short texts cost their own
  length. What that saves buys larger batches.
- Weight matrices take the steps of Muon, at twice the rate and with a stronger
  weight decay.
- All pairs of domains share one temperature and offset, which brings images and
  texts together.

`demo.py:domains` is the recipe before the last of these: a temperature and an
offset for each pair. `demo.py:adamw` also has AdamW, and subgroups for all
labels.
"""

from experiments.configs import emoji
from uniclip_keras.errors import InputError

VARIANTS = ("shared", "domains", "adamw")


def get_config(variant="shared"):
    if variant not in VARIANTS:
        raise InputError(
            f"demo has no variant {variant!r}; choose of {', '.join(VARIANTS)}."
        )
    config = emoji.get_config()
    config.name = "demo" if variant == "shared" else f"demo_{variant}"
    config.batch_size = 288
    config.steps = 920

    weak, strong = config.data.views
    config.data.views = [{**weak, "identity": 1.0}, strong]
    config.data.train.labeled = {
        "path": "train-*.tar",
        "label_field": "subgroup",
        "classes": "subgroups.json",
        "weight": 4.0,
    }

    config.model.view_size = 16
    config.model.text_lengths = (8,)
    config.optimizer.weight_decay = 1.0

    if variant != "adamw":
        config.optimizer.muon = True
        config.optimizer.learning_rate = 8e-3
        config.data.train.labeled.weight = 3.0
        config.data.train.grouped = {
            "path": "train-*.tar",
            "label_field": "group",
            "classes": "groups.json",
            "weight": 1.0,
        }

    if variant == "shared":
        config.objective.shared = True

    config.validation.every = 460
    return config
