"""One case of the loss benchmark, measured in its own process."""

import importlib
import statistics

import numpy as np

from experiments.benchmarks import measuring

TILED = "tiled"
# Module and form. Only the framework of the case is imported.
METHODS = {
    TILED: ("tensorflow_loss", TILED),
    "dense TensorFlow": ("tensorflow_loss", "dense"),
    "lean dense TensorFlow": ("tensorflow_loss", "lean"),
    "dense PyTorch": ("torch_loss", "dense"),
    "lean dense PyTorch": ("torch_loss", "lean"),
}
VIEWS = 2
# A case whose first call takes longer, in seconds, is timed once.
LONG_CALL = 60.0
TINY = 8


def measure(method, pairs, dim, temperature, repeats):
    """Measures a forward and backward pass: a row of the table, with its norm.

    The method runs at a tiny size first, which loads its kernels; then once
    at the full size, for the memory; then `repeats` times, for the time.
    """
    module, form = METHODS[method]
    prepare = importlib.import_module(f"{__package__}.{module}").prepare
    prepare(form, temperature, make_batch(TINY, dim))()
    step = prepare(form, temperature, make_batch(pairs, dim))
    first, _, (peak, (loss, gradients)) = measuring.timed(
        lambda: measuring.extra_peak(step)
    )
    gradients = [np.asarray(gradient) for gradient in gradients]
    returned = sum(gradient.nbytes for gradient in gradients)
    norm = np.sqrt(sum(np.sum(np.square(rows)) for rows in gradients[:2]))
    # A training step does not keep the previous step's gradients either.
    del gradients
    calls = 1 if first > LONG_CALL else repeats
    seconds = [measuring.timed(step)[0] for _ in range(calls)]
    return {
        "embeddings": pairs * (VIEWS + 1),
        "calls": calls,
        "seconds_min": min(seconds),
        "seconds_median": statistics.median(seconds),
        "extra_mb": max(0, peak - returned) / 1e6,
        "loss": loss,
        "gradient_norm": float(norm),
    }


def make_batch(pairs, dim):
    """Makes embeddings and ids: images `[VIEWS * pairs, dim]`, texts, ids.

    Those of a pair resemble each other. Every eighth shares another's id.
    """
    rng = np.random.default_rng(0)

    def normal(rows):
        return rng.standard_normal((rows, dim), dtype=np.float32)

    items = normal(pairs)
    ids = np.arange(pairs) % (pairs - pairs // 8)
    return (
        np.repeat(items, VIEWS, axis=0) + normal(VIEWS * pairs),
        items + normal(pairs),
        np.repeat(ids, VIEWS),
        ids,
    )
