"""The recipe of `make demo`: UniCLIP on the captions and labels of emoji.

What joins `emoji.py`, each chosen on validation data (docs/results.md):

- A third of the images are drawn with their subgroup in place of a caption.
  Images of a subgroup are then positives of each other.
- The first view is the untouched image, as evaluation shows it.
- The second view has half the resolution, and short texts cost their own
  length. What that saves buys larger batches.
- A stronger weight decay.
"""

from experiments.configs import emoji


def get_config():
    config = emoji.get_config()
    config.name = "demo"
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

    config.validation.every = 460
    return config
