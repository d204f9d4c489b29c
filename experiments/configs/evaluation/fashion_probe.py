"""How good are the features for images of another kind? Fashion-MNIST.

Linear probes, nearest neighbors and few-shot probes on the features before
the head, learned from 6,000 images. Prepare Fashion-MNIST first.

    python -m experiments.evaluate --workdir=runs/emoji \
        --evaluation=experiments/configs/evaluation/fashion_probe.py
"""

from experiments.configs.base import evaluation


def get_config():
    section = evaluation()
    section.directory = "data/fashion_mnist"
    section.probe = {
        "fashion": {
            "title": "Fashion-MNIST",
            "path": "test-*.tar",
            "label_field": "label",
            "train": {"path": "train-0000[0-5].tar"},
            "validation": {"path": "train-0005[0-1].tar"},
        }
    }
    return section
