"""Broken tars and images: no crash, no hang, and every good sample."""

import io
import tarfile

import numpy as np
import pytest
import tensorflow as tf
from mutations import mutate
from PIL import Image

from uniclip_keras.data import BadSamples
from uniclip_keras.data import WebDataset
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.skipping import map_good
from uniclip_keras.data.threads import thread_options

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
IMAGES, TARS = 380, 120
SAMPLES_PER_TAR = 6


def encoded_images(pixels):
    """Every format, in every mode that it has, `[(suffix, bytes)]`."""
    images = []
    for number, image_format in enumerate(FORMATS * 2):
        modes = ("RGB", "RGBA", "L", "P") if image_format == "PNG" else ("RGB",)
        for mode in modes:
            file = io.BytesIO()
            picture = Image.fromarray(pixels(number)).convert(mode)
            options = {"progressive": True} if number > 3 else {}
            picture.save(file, image_format, **options)
            suffix = image_format.lower().replace("jpeg", "jpg")
            images.append((suffix, file.getvalue()))
    return images


def write_tar(samples):
    """`[(key, suffix, image bytes)]` as a tar's bytes.

    Returns:
        `(bytes, ends)`: where each sample's last byte stands.
    """
    file, ends = io.BytesIO(), []
    with tarfile.open(fileobj=file, mode="w") as tar:
        for key, suffix, image in samples:
            for name, content in (
                (suffix, image),
                ("txt", b"a " + key.encode()),
            ):
                info = tarfile.TarInfo(f"{key}.{name}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            ends.append(tar.offset)
    return file.getvalue(), ends


def decoded(source, tally):
    """One pass over the samples, decoded as for training: key -> pixels."""

    def decode(number, sample):
        problem, image = decode_within(sample["image"])
        return problem, {"key": sample["key"], "image": image}

    samples = source.dataset(0, shuffle=True, bad_samples=tally)
    good = map_good(samples, decode, tally, num_parallel_calls=2)
    return {
        element["key"].numpy().decode(): element["image"].numpy()
        for element in good.with_options(thread_options(2))
    }


@pytest.mark.parametrize("seed", [0, 1])
def test_every_good_sample_of_500_mutations_is_delivered(
    tmp_path, pixels, seed
):
    rng = np.random.default_rng(seed)
    images = encoded_images(pixels)

    def any_image():
        return images[rng.integers(len(images))]

    whole, broken = {}, set()
    samples = []
    for number in range(IMAGES):
        suffix, image = any_image()
        whole[f"good{number}"] = image
        broken.add(f"bad{number}")
        samples.append((f"good{number}", suffix, image))
        samples.append((f"bad{number}", suffix, mutate(image, rng)[0]))
    for shard in range(4):
        content, _ = write_tar(samples[shard::4])
        (tmp_path / f"images-{shard}.tar").write_bytes(content)
    lost = set()
    for number in range(TARS):
        samples = [
            (f"{number}-{n}", *any_image()) for n in range(SAMPLES_PER_TAR)
        ]
        content, ends = write_tar(samples)
        content, first = mutate(content, rng)
        (tmp_path / f"mutated-{number:03}.tar").write_bytes(content)
        for (key, _, image), end in zip(samples, ends, strict=True):
            if end <= first:
                whole[key] = image
            else:
                lost.add(key)
    tally = BadSamples()
    found = decoded(WebDataset(str(tmp_path)), tally)
    assert whole.keys() <= found.keys()
    # Nothing is made up, though tars may break into other names.
    assert len(whole) > 600 and len(found) <= len(whole) + IMAGES + len(lost)
    expected = {}
    for key, image in whole.items():
        if image not in expected:
            expected[image] = decode_alone(image)
        np.testing.assert_array_equal(found[key], expected[image])
    assert tally.counts[bad.CORRUPT_IMAGE] > IMAGES // 4
    assert tally.counts[bad.TRUNCATED_FILE] > TARS // 4
    assert tally.good == len(found)


def decode_alone(image):
    problem, pixels = decode_within(tf.constant(image))
    assert problem == b""
    return pixels.numpy()
