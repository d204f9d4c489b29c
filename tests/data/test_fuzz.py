"""Broken files and images: no crash, no hang, no good sample lost."""

import tarfile

import numpy as np
import tensorflow as tf
from format_files import example
from format_files import write_records
from mutations import mutate
from samples import encode
from samples import smooth_pixels
from samples import sparse_member
from samples import write_tar

from uniclip_keras.data import BadSamples
from uniclip_keras.data import TFRecords
from uniclip_keras.data import WebDataset
from uniclip_keras.data import bad_samples as bad
from uniclip_keras.data.images.decoding import decode_within

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
IMAGES, TARS, SPARSE, RECORDS = 380, 120, 40, 60
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


@tf.function(input_signature=[tf.TensorSpec([], tf.string)])
def decode(image):
    return decode_within(image)


def decode_all(source, tally):
    """Decodes one pass over the samples: key -> pixels."""
    found = {}
    for sample in source.samples(tally):
        try:
            problem, image = decode(sample["image"])
            problem = problem.numpy().decode()
        except tf.errors.OpError:
            problem = bad.CORRUPT_IMAGE
        if problem:
            tally.record(problem, sample["key"])
        else:
            found[sample["key"]] = image.numpy()
    return found


def check_numbers(source, tally):
    """The samples of a pass are those that are read by number.

    Returns:
        The keys of the samples without a problem.
    """
    read = source.read(range(source.count()))
    good = [sample for sample in read if not sample["problem"]]
    assert good == list(source.samples(tally))
    lost = sum(source.lost(number) for number in range(source.count()))
    assert tally.read == source.count() + lost
    assert tally.good == len(good)
    assert tally.counts.get(bad.TRUNCATED_FILE, 0) == lost
    return {sample["key"] for sample in good}


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
    source = WebDataset(str(tmp_path))
    found = decode_all(source, tally)
    assert whole.keys() <= found.keys()
    # No sample is made up, though a broken tar may rename some.
    assert len(whole) > 600 and len(found) <= len(whole) + IMAGES + len(lost)
    expected = {image: decode_alone(image) for image in {*whole.values()}}
    for key, image in whole.items():
        np.testing.assert_array_equal(found[key], expected[image])
    assert tally.counts[bad.CORRUPT_IMAGE] > IMAGES // 4
    assert tally.counts[bad.TRUNCATED_FILE] > TARS // 4
    assert tally.good == len(found)
    check_numbers(source, BadSamples())


def test_mutated_sparse_tars_end_in_samples_or_counts(tmp_path):
    rng = np.random.default_rng(1)
    image = encode(smooth_pixels(0))
    write_samples(tmp_path / "first.tar", [("first", "png", image)])
    whole = {"first"}
    for number in range(SPARSE):
        style = ("old", "0.1", "1.0")[number % 3]
        content, ends = b"", []
        for n in range(SAMPLES_PER_TAR):
            key = f"{number}-{n}"
            size = int(rng.integers(len(image), 2**15))
            content += sparse_member(f"{key}.png", image, size, style)
            content += sparse_member(f"{key}.txt", b"text", 4, style)
            ends.append((key, len(content)))
        content += bytes(2 * tarfile.BLOCKSIZE)
        content, first = mutate(content, rng)
        (tmp_path / f"sparse-{number:03}.tar").write_bytes(content)
        whole |= {key for key, end in ends if end <= first}
    tally = BadSamples()
    found = check_numbers(WebDataset(str(tmp_path)), tally)
    assert whole <= found and len(whole) > SPARSE
    assert tally.counts[bad.TRUNCATED_FILE] > SPARSE // 4


def test_mutated_records_end_in_samples_or_counts(tmp_path):
    """Of flipped bits in a record, only the record is lost."""
    rng = np.random.default_rng(2)
    image = encode(smooth_pixels(0))
    whole = set()
    for number in range(RECORDS):
        suffix = ".gz" if number % 3 == 0 else ""
        path = tmp_path / f"{number:03}.tfrecord{suffix}"
        keys = [f"{number}-{n}" for n in range(SAMPLES_PER_TAR)]
        records = [
            example(key=key.encode(), txt=b"text", png=image) for key in keys
        ]
        write_records(path, records)
        content = path.read_bytes()
        first = len(content)
        if number:
            content, first = mutate(content, rng)
        path.write_bytes(content)
        if not suffix:
            # Each takes 16 bytes beside its own.
            ends = np.cumsum([len(record) + 16 for record in records])
            ends = zip(keys, ends, strict=True)
            whole |= {key for key, end in ends if end <= first}
    tally = BadSamples()
    found = check_numbers(TFRecords(str(tmp_path)), tally)
    assert whole <= found and len(whole) > RECORDS // 2
    assert tally.counts[bad.TRUNCATED_FILE] > RECORDS // 4
    assert tally.counts[bad.CORRUPT_RECORD] > 3


def decode_alone(image):
    problem, pixels = decode(image)
    assert problem == b""
    return pixels.numpy()
