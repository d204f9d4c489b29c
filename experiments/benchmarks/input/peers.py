"""The other sides of `input_pipeline`: torchvision, albumentations, open_clip.

    PYTHON experiments/benchmarks/input_pipeline_peers.py SIDE CORE

`input_pipeline` starts it by path, with an interpreter that has the libraries
and need not have TensorFlow. A file is decoded once, as is usual with the
library, and three views are cut by SLIP's recipe.
"""

import importlib
import itertools
import json
import os
import sys
import time

VIEWS = 3
SIZE = 224
WEAK_AREA = (0.5, 1.0)
STRONG_AREA = (0.08, 1.0)
JITTER = (0.4, 0.4, 0.4, 0.1)
SIGMA = (0.1, 2.0)
# Odd, and wide enough for the largest sigma.
TAPS = 23


def torchvision(pillow_blur=False):
    """torchvision's transforms on Pillow images.

    Args:
        pillow_blur: blurs as SLIP's own code does, with Pillow, in place of
            torchvision's convolution with 23 x 23 taps.
    """
    import random

    import torch
    from PIL import Image
    from PIL import ImageFilter
    from torchvision import transforms

    torch.set_num_threads(1)
    blur = transforms.GaussianBlur(TAPS, SIGMA)
    if pillow_blur:

        def blur(image):
            sigma = random.uniform(*SIGMA)
            return image.filter(ImageFilter.GaussianBlur(sigma))

    weak = transforms.Compose(
        [
            transforms.RandomResizedCrop(SIZE, WEAK_AREA, antialias=True),
            transforms.ToTensor(),
        ]
    )
    strong = transforms.Compose(
        [
            transforms.RandomResizedCrop(SIZE, STRONG_AREA, antialias=True),
            transforms.RandomHorizontalFlip(),
            transforms.RandomApply([transforms.ColorJitter(*JITTER)], p=0.8),
            transforms.RandomGrayscale(0.2),
            transforms.RandomApply([blur], p=0.5),
            transforms.ToTensor(),
        ]
    )

    def views(path):
        with open(path, "rb") as file:
            image = Image.open(file).convert("RGB")
        return weak(image), strong(image), strong(image)

    return per_file(views)


def albumentations():
    """albumentations' transforms on OpenCV images; its resize does not
    antialias."""
    import albumentations as transforms
    import cv2
    import numpy as np

    cv2.setNumThreads(0)
    to_float = transforms.ToFloat(max_value=255)
    weak = transforms.Compose(
        [
            transforms.RandomResizedCrop((SIZE, SIZE), scale=WEAK_AREA),
            to_float,
        ]
    )
    strong = transforms.Compose(
        [
            transforms.RandomResizedCrop((SIZE, SIZE), scale=STRONG_AREA),
            transforms.HorizontalFlip(),
            transforms.ColorJitter(*JITTER, p=0.8),
            transforms.ToGray(p=0.2),
            transforms.GaussianBlur((TAPS, TAPS), SIGMA, p=0.5),
            to_float,
        ]
    )

    def views(path):
        encoded = np.fromfile(path, np.uint8)
        image = cv2.imdecode(encoded, cv2.IMREAD_COLOR)
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return [view(image=image)["image"] for view in (weak, strong, strong)]

    return per_file(views)


def open_clip():
    """open_clip's tokenizer of CLIP's vocabulary."""
    module = importlib.import_module("open_clip.tokenizer")
    tokenizer = module.SimpleTokenizer()

    def tokenize(captions):
        return int((tokenizer(captions) != 0).sum())

    return per_captions(tokenize), {"merges": module.default_bpe()}


def per_file(views):
    """Answers orders for views, of `{"paths": [], "samples": int}`."""

    def answer(order):
        paths = list(
            itertools.islice(itertools.cycle(order["paths"]), order["samples"])
        )
        views(paths[0])
        with timed() as clock:
            for path in paths:
                views(path)
        return {"count": VIEWS * len(paths), **clock.spent}

    return answer, {}


def per_captions(tokenize):
    """Answers orders for tokens, of `{"captions": []}`."""

    def answer(order):
        tokenize(order["captions"])
        with timed() as clock:
            count = tokenize(order["captions"])
        return {"count": count, **clock.spent}

    return answer


class timed:  # noqa: N801
    """Wall and processor seconds of a block, all threads of the process."""

    def __enter__(self):
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        wall, cpu = self._began
        self.spent = {
            "wall": time.perf_counter() - wall,
            "cpu": time.process_time() - cpu,
        }


def serve(sides):
    """Answers orders on standard input, a JSON object a line, by the side
    that the command line names, on the core that it names."""
    side, core = sys.argv[1:]
    if core != "any":
        os.sched_setaffinity(0, {int(core)})
    # What a library prints is no answer.
    answers, sys.stdout = sys.stdout, sys.stderr

    def say(answer):
        print(json.dumps(answer), file=answers, flush=True)

    try:
        answer, ready = sides[side]()
    except ImportError as error:
        say({"missing": str(error)})
        return
    say(ready)
    for order in sys.stdin:
        say(answer(json.loads(order)))


if __name__ == "__main__":
    serve(
        {
            "torchvision": torchvision,
            "torchvision, Pillow's blur": lambda: torchvision(True),
            "albumentations": albumentations,
            "open_clip": open_clip,
        }
    )
