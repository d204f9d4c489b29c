"""The sides of the input benchmark: this package and its peers.

A function per side; each imports its libraries inside, because the peers run
in an interpreter that need not have TensorFlow. A side of views takes `paths`
of photos, a `tar` of the same photos and the number of `samples` of a round;
a side of tokens takes `captions` and CLIP's `merges`. Each returns a function
that does one round and returns the number of views or tokens it made.
"""

import functools
import itertools

from experiments.benchmarks import measuring

OURS = "uniclip_keras"

VIEWS = 3
SIZE = 224
WEAK_AREA = (0.5, 1.0)
STRONG_AREA = (0.08, 1.0)
JITTER = (0.4, 0.4, 0.4, 0.1)
SIGMA = (0.1, 2.0)
# Odd, and wide enough for the largest sigma.
TAPS = 23
BATCH = 16


def measure(what, side, order):
    """Measures a round of a side, after a round that does not count.

    Returns:
        `{"wall", "cpu"}`, both in seconds per view or token, or `{"missing":
        reason}` if the side's library is not installed.
    """
    try:
        one_round = SIDES[what][side](**order)
    except ImportError as error:
        return {"missing": str(error)}
    one_round()
    wall, cpu, count = measuring.timed(one_round)
    return {"cpu": cpu / count, "wall": wall / count}


def uniclip_keras(paths, tar, samples, size=SIZE):
    """Batches of the training pipeline, without tokens."""
    import tensorflow as tf

    from uniclip_keras import data

    class NoTokens(data.Tokenizer):
        vocabulary_size = 1
        fingerprint = "no tokens"

        def _encode(self, texts):
            return tf.zeros([tf.shape(texts)[0], self.context_length], "int32")

    dataset = data.training_dataset(
        data.WebDataset(tar),
        NoTokens(3),
        data.augmentation.SLIP_RECIPE,
        size,
        BATCH,
        seed=0,
        threads=1,
    )
    batches = iter(dataset)

    def one_round(count=-(-samples // BATCH)):
        for _ in itertools.islice(batches, count):
            pass
        return VIEWS * BATCH * count

    # The pipeline prepares three batches ahead of time.
    one_round(3)
    return one_round


def torchvision(paths, tar, samples, pillow_blur=False):
    """torchvision's transforms on Pillow images.

    Pillow's blur, as in SLIP's own code, may replace a convolution of 23 x 23.
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

    crop = functools.partial(transforms.RandomResizedCrop, SIZE, antialias=True)
    weak = transforms.Compose([crop(WEAK_AREA), transforms.ToTensor()])
    strong = transforms.Compose(
        [
            crop(STRONG_AREA),
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

    return round_over_files(views, paths, samples)


def albumentations(paths, tar, samples):
    """albumentations' transforms on OpenCV; its resize does not antialias."""
    import albumentations as transforms
    import cv2
    import numpy as np

    cv2.setNumThreads(0)
    to_float = transforms.ToFloat(max_value=255)

    crop = functools.partial(transforms.RandomResizedCrop, (SIZE, SIZE))
    weak = transforms.Compose([crop(scale=WEAK_AREA), to_float])
    strong = transforms.Compose(
        [
            crop(scale=STRONG_AREA),
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

    return round_over_files(views, paths, samples)


def round_over_files(views, paths, samples):
    """A round that decodes a file at a time and calls `views` on its path."""

    def one_round():
        for path in itertools.islice(itertools.cycle(paths), samples):
            views(path)
        return VIEWS * samples

    return one_round


def clip_tokenizer(captions, merges):
    """This package's CLIP tokenizer."""
    import tensorflow as tf

    from uniclip_keras import data

    tokenizer = data.CLIPTokenizer(merges)
    return lambda: int(tf.math.count_nonzero(tokenizer(captions)))


def open_clip(captions, merges):
    """open_clip's tokenizer of CLIP's vocabulary."""
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    return lambda: int((tokenizer(captions) != 0).sum())


def open_clip_merges():
    """`{"merges": path}` of CLIP's merges, or `{"missing": reason}`."""
    try:
        from open_clip.tokenizer import default_bpe
    except ImportError as error:
        return {"missing": str(error)}
    return {"merges": default_bpe()}


SIDES = {
    "views": {
        OURS: uniclip_keras,
        "torchvision": torchvision,
        "torchvision, Pillow's blur": functools.partial(
            torchvision, pillow_blur=True
        ),
        "albumentations": albumentations,
    },
    "tokens": {OURS: clip_tokenizer, "open_clip": open_clip},
}
