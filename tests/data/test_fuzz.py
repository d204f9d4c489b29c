"""Broken tars and images: no crash, no hang, no good sample lost."""

import tarfile

import numpy as np
import tensorflow as tf
from mutations import mutate
from samples import encode
from samples import smooth_pixels
from samples import write_tar

from uniclip_keras.data import BadSamples
from uniclip_keras.data import WebDataset
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.decoding import decode_within
from uniclip_keras.data.python_calls import thread_options
from uniclip_keras.data.skipping import map_good

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
IMAGES, TARS = 380, 120
SAMPLES_PER_TAR = 6


def encoded_images():
    """Images of every format and mode, `[(suffix, bytes)]`."""
    images = []
    for number, image_format in enumerate(FORMATS * 2):
        modes = ("RGB", "RGBA", "L", "P") if image_format == "PNG" else ("RGB",)
        options = {"progressive": True} if number > 3 else {}
        suffix = image_format.lower().replace("jpeg", "jpg")
        for mode in modes:
            pixels = smooth_pixels(number)
            image = encode(pixels, image_format, mode, **options)
            images.append((suffix, image))
    return images


def write_samples(path, samples):
    """Writes `[(key, suffix, image)]`; returns the offset behind each."""
    members = []
    for key, suffix, image in samples:
        members.append((f"{key}.{suffix}", image))
        members.append((f"{key}.txt", b"a " + key.encode()))
    write_tar(path, members)
    with tarfile.open(path) as tar:
        captions = tar.getmembers()[1::2]
    return [member.offset_data + tarfile.BLOCKSIZE for member in captions]


def decoded(source, tally):
    """Decodes one pass over the samples as in training: key -> pixels."""

    def decode(number, sample):
        problem, image = decode_within(sample["image"])
        return problem, {"key": sample["key"], "image": image}

    samples = source.dataset(0, shuffle=True, bad_samples=tally)
    good = map_good(samples, decode, tally, num_parallel_calls=2)
    return {
        element["key"].numpy().decode(): element["image"].numpy()
        for element in good.with_options(thread_options(2))
    }


def test_every_good_sample_of_500_mutations_is_delivered(tmp_path):
    rng = np.random.default_rng(0)
    images = encoded_images()

    def any_image():
        return images[rng.integers(len(images))]

    whole, samples = {}, []
    for number in range(IMAGES):
        suffix, image = any_image()
        whole[f"good{number}"] = image
        samples.append((f"good{number}", suffix, image))
        samples.append((f"bad{number}", suffix, mutate(image, rng)[0]))
    for shard in range(4):
        write_samples(tmp_path / f"images-{shard}.tar", samples[shard::4])
    lost = set()
    for number in range(TARS):
        keys = [f"{number}-{n}" for n in range(SAMPLES_PER_TAR)]
        samples = [(key, *any_image()) for key in keys]
        path = tmp_path / f"mutated-{number:03}.tar"
        ends = write_samples(path, samples)
        content, first = mutate(path.read_bytes(), rng)
        path.write_bytes(content)
        for (key, _, image), end in zip(samples, ends, strict=True):
            if end <= first:
                whole[key] = image
            else:
                lost.add(key)
    tally = BadSamples()
    found = decoded(WebDataset(str(tmp_path)), tally)
    assert whole.keys() <= found.keys()
    # No sample is made up, though a broken tar may rename some.
    assert len(whole) > 600 and len(found) <= len(whole) + IMAGES + len(lost)
    expected = {image: decode_alone(image) for image in {*whole.values()}}
    for key, image in whole.items():
        np.testing.assert_array_equal(found[key], expected[image])
    assert tally.counts[bad.CORRUPT_IMAGE] > IMAGES // 4
    assert tally.counts[bad.TRUNCATED_FILE] > TARS // 4
    assert tally.good == len(found)


def decode_alone(image):
    problem, pixels = decode_within(tf.constant(image))
    assert problem == b""
    return pixels.numpy()
