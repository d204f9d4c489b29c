"""ImageNet's validation images, in the folders of their classes.

    python -m experiments.evaluate --workdir=runs/cc3m \
        --evaluation=experiments/configs/evaluation/imagenet.py \
        --evaluation.directory=/data/imagenet
"""

from experiments.configs.base import evaluation


def get_config():
    section = evaluation()
    section.directory = "imagenet"
    section.zero_shot = {
        "imagenet": {
            "title": "ImageNet",
            "kind": "folders",
            "path": "val",
            "classes": "classes.json",
        }
    }
    return section.lock()
