"""UniCLIP ViT-B/32 on YFCC15M at the scale of the paper (section 4.1).

The paper reports a zero-shot ImageNet top-1 of about 42.8 %. Download the
pairs with img2dataset (webdataset output) into `data.directory`.
"""

from experiments.configs.base import base
from experiments.configs.base import use_paper_tasks

PAIRS = 15_388_848
EPOCHS = 32


def get_config():
    config = base()
    config.name = "yfcc15m_vit_b32"
    config.steps = EPOCHS * PAIRS // config.batch_size
    config.data.directory = "data/yfcc15m"
    config.data.train.pairs.path = "train/*.tar"
    use_paper_tasks(config)
    return config
