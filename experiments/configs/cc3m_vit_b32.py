"""UniCLIP ViT-B/32 on CC3M: the paper's recipe on three million pairs.

Batch and schedule are ours: with a fifth of the pairs of YFCC15M, a smaller
batch keeps the number of steps per epoch. Download the pairs with img2dataset
(webdataset output) into `data.directory`.
"""

from experiments.configs.base import base
from experiments.configs.base import use_paper_tasks

PAIRS = 2_800_000
EPOCHS = 32


def get_config():
    config = base()
    config.name = "cc3m_vit_b32"
    config.batch_size = 1024
    config.steps = EPOCHS * PAIRS // config.batch_size
    config.optimizer.learning_rate = 5e-4
    config.data.directory = "data/cc3m"
    config.data.train.pairs.path = "train/*.tar"
    use_paper_tasks(config)
    return config
