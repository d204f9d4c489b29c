"""The memory that a training step needs at the least, and what there is.

A batch that does not fit is killed by the system without a word, so it is
refused before.
"""

import pathlib

import tensorflow as tf

from uniclip_keras.errors import InputError

# Batches that a process holds at a time: the next one that waits, and the one
# behind it, of which the parts of a replica exist twice while they are joined.
# A processor also holds the one that trains, where a GPU has its own memory.
BATCHES_OF_CPU = 3
BATCHES_OF_HOST = 2
CGROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)


def check_memory(config, workers=1):
    """Raises `InputError` if a step needs more memory than there is.

    Without a GPU or TPU the activations count too. A worker holds its share
    of the batch.
    """
    on_cpu = not tf.config.list_physical_devices("GPU")
    on_cpu = on_cpu and config.distribution != "tpu"
    batches = BATCHES_OF_CPU if on_cpu else BATCHES_OF_HOST
    need = batches * batch_bytes(config) // workers
    if on_cpu:
        need += activation_bytes(config) // workers
    available = available_bytes()
    if available is None or need <= available:
        return
    advice = "give a smaller batch_size"
    if on_cpu and not config.model.gradient_cache_size:
        advice += ", or embed few items at a time (model.gradient_cache_size)"
    raise InputError(
        f"batch_size={config.batch_size} needs at least {_gigabytes(need)} of "
        f"memory, and there are {_gigabytes(available)}; {advice}."
    )


def batch_bytes(config):
    """Bytes of the views of a global batch."""
    value = 1 if config.data.views_dtype == "uint8" else 4
    view = config.image_size**2 * 3 * value
    return config.batch_size * len(config.data.views) * view


def activation_bytes(config):
    """Bytes that the transformers keep of a batch for the backward pass.

    Each layer keeps 8 values per token and unit of its width around the
    attention, 2 * `mlp_ratio` in the MLP, and the attention's weights. Views of
    8 bits also become floating point. Towers whose section gives no width count
    as nothing.
    """
    image, text = config.image_encoder, config.text_encoder
    side = patch_size(image)
    views, captions = len(config.data.views), config.data.captions_per_image
    small = config.model.view_size or config.image_size
    sizes = [config.image_size] + [small] * (views - 1)
    length = min((config.tokenizer.context_length, *config.model.text_lengths))
    value = 4 if config.precision == "float32" else 2
    per_item = captions * _values(text, length)
    if side:
        per_item += sum(_values(image, (size // side) ** 2) for size in sizes)
    if config.data.views_dtype == "uint8":
        per_item += views * config.image_size**2 * 3
    items = config.model.gradient_cache_size or config.batch_size
    return items * per_item * value


def patch_size(image_encoder):
    """Pixels of the sides of the patches of a section `image_encoder`.

    None for an encoder that does not say.
    """
    if "stem" in image_encoder:
        return 2 ** len(image_encoder["stem"])
    return image_encoder.get("patch_size")


def available_bytes():
    """Bytes of memory that this process can get; None if nothing says."""
    sizes = []
    meminfo = pathlib.Path("/proc/meminfo")
    if meminfo.exists():
        for line in meminfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "MemAvailable":
                sizes.append(1024 * int(value.split()[0]))
    for path in map(pathlib.Path, CGROUP_LIMITS):
        if path.exists() and (text := path.read_text().strip()).isdigit():
            sizes.append(int(text))
    return min(sizes, default=None)


def _values(tower, tokens):
    if "width" not in tower:
        return 0
    width, ratio = tower["width"], tower.get("mlp_ratio", 4)
    per_token = (8 + 2 * ratio) * width + tower["heads"] * tokens
    return tower["layers"] * tokens * per_token


def _gigabytes(size):
    return f"{size / 2**30:,.1f} GB"
