"""UniCLIP ViT-B/32 on YFCC15M at the paper's scale (section 4.1).

Published zero-shot ImageNet top-1: about 42.8 %. Download the pairs with
img2dataset (webdataset output) into `data.directory`.
"""

from ml_collections import ConfigDict

from experiments.configs.base import base
from experiments.configs.base import imagenet_and_retrieval

PAIRS = 15_388_848
EPOCHS = 32


def get_config():
    config = base()
    config.name = "yfcc15m_vit_b32"
    config.steps = EPOCHS * PAIRS // config.batch_size
    config.data.directory = "data/yfcc15m"
    config.data.train.pairs.path = "train/*.tar"
    for group, tasks in imagenet_and_retrieval().items():
        config.evaluation[group] = ConfigDict(tasks)
    return config
