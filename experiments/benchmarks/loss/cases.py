"""One case of the loss benchmark, in a process of its own.

    python -m experiments.benchmarks.loss.cases '{"method": "tiled", ...}'

Prints the measurements as JSON. The process loads one framework alone, and no
case finds memory that another one left behind.
"""

import json
import sys
import time

import numpy as np

from experiments.benchmarks.memory import extra_peak

TILED = "tiled"
DENSE_TENSORFLOW = "dense TensorFlow"
LEAN_TENSORFLOW = "lean dense TensorFlow"
DENSE_PYTORCH = "dense PyTorch"
LEAN_PYTORCH = "lean dense PyTorch"

VIEWS = 2
# Of a call that takes this many seconds, one is timed.
LONG_CALL = 60.0
_TINY = 8


def measure(case):
    """Time and memory of a forward and backward pass.

    The method runs at a tiny size first, which loads its kernels; then once
    at the wanted size, for the memory; then for the time.

    Args:
        case: {"method", "pairs", "dim", "temperature", "repeats"}.

    Returns:
        dict: "embeddings"; "seconds", of each timed call; "extra_bytes", the
        highest memory during the first call beyond inputs, loaded libraries
        and the gradients that it returns; "loss"; "gradient_norm", over all
        embeddings.
    """
    prepare = _method(case["method"])(case["temperature"])
    prepare(make_batch(_TINY, case["dim"]))()
    step = prepare(make_batch(case["pairs"], case["dim"]))
    started = time.perf_counter()
    peak, (loss, gradients) = extra_peak(step)
    long = time.perf_counter() - started > LONG_CALL
    gradients = [np.asarray(gradient) for gradient in gradients]
    bytes_returned = sum(gradient.nbytes for gradient in gradients)
    squares = [np.sum(np.square(gradient)) for gradient in gradients[:2]]
    # A training step does not keep the last one's gradients either.
    del gradients
    seconds = []
    for _ in range(1 if long else case["repeats"]):
        started = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - started)
    return {
        "embeddings": case["pairs"] * (VIEWS + 1),
        "seconds": seconds,
        "extra_bytes": max(0, peak - bytes_returned),
        "loss": loss,
        "gradient_norm": float(np.sqrt(sum(squares))),
    }


def make_batch(pairs, dim, seed=0):
    """Embeddings of pairs that resemble each other, as in training.

    Args:
        pairs: number of pairs; every eighth shares its id with another.
        dim: size of an embedding.

    Returns:
        NumPy arrays: float32 images `[VIEWS * pairs, dim]` and texts
        `[pairs, dim]`, and the int64 ids of both.
    """
    rng = np.random.default_rng(seed)

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


def _method(name):
    # Only the framework to be measured is loaded.
    if name in (DENSE_PYTORCH, LEAN_PYTORCH):
        from experiments.benchmarks.loss import dense_torch as loss_torch

        return loss_torch.lean if name == LEAN_PYTORCH else loss_torch.dense
    from experiments.benchmarks.loss import dense_tensorflow as loss_tensorflow

    return {
        TILED: loss_tensorflow.tiled,
        DENSE_TENSORFLOW: loss_tensorflow.dense,
        LEAN_TENSORFLOW: loss_tensorflow.lean,
    }[name]


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]))))
