"""Time and memory of retrieval without the matrix of similarities.

    python -m experiments.benchmarks.retrieval --images=50000 --dim=512

Images and captions have random embeddings that are somewhat alike if they
belong together. All metrics are measured in both directions, in a process of
its own; beside it stands the time of the products alone, tile by tile, twice
as both directions take. "MB beyond the embeddings" is the peak of the resident
memory less what was resident before the call: interpreter, libraries and the
given embeddings. "MB in all" is that peak itself.
"""

import os

import numpy as np

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.run.hardware import describe_hardware
from uniclip_keras import evaluation

OPTIONS = {
    "images": (50000, "Number of images.", 1),
    "captions": (1, "Texts per image.", 1),
    "dim": (512, "Of the embeddings.", 1),
    "threads": (os.cpu_count(), "Threads to compute with.", 1),
}
COLUMNS = [
    "images x texts",
    "dim",
    "matrix MB",
    "embeddings MB",
    "MB beyond the embeddings",
    "MB in all",
    "seconds",
    "products alone",
]
TILE = 2048


def main(options):
    """Measures one size."""
    print(describe_hardware(options.threads, ["numpy"]))
    case = measuring.call_in_process(
        "experiments.benchmarks.retrieval:measure",
        options.threads,
        images=options.images,
        captions=options.captions,
        dim=options.dim,
    )
    texts = options.images * options.captions
    row = [
        f"{options.images:,} x {texts:,}",
        str(options.dim),
        f"{4e-6 * options.images * texts:,.0f}",
        f"{4e-6 * (options.images + texts) * options.dim:,.0f}",
        f"{case['extra'] / 1e6:,.0f}",
        f"{case['peak'] / 1e6:,.0f}",
        f"{case['seconds']:.1f}",
        f"{case['products']:.1f}",
    ]
    print(measuring.markdown_table(COLUMNS, [row]))
    for way, metrics in case["metrics"].items():
        values = (f"{k} {v:.4f}" for k, v in metrics.items())
        print(f"{way}: {', '.join(values)}")


def measure(images, captions, dim):
    """Measures retrieval and the bare products.

    Returns extra and peak bytes, seconds of both, and the metrics.
    """
    rng = np.random.default_rng(0)
    image_embeddings = rng.standard_normal((images, dim), "float32")
    of_text = np.repeat(np.arange(images), captions)
    text_embeddings = rng.standard_normal((len(of_text), dim), "float32")
    for start in range(0, len(of_text), TILE):
        rows = slice(start, start + TILE)
        text_embeddings[rows] += 0.2 * image_embeddings[of_text[rows]]

    def measured():
        return evaluation.retrieval(
            image_embeddings, text_embeddings, np.arange(images), of_text
        )

    extra, (seconds, _, results) = measuring.extra_peak(
        lambda: measuring.timed(measured)
    )
    peak = measuring.memory("VmHWM")
    products, _, _ = measuring.timed(
        lambda: multiply(image_embeddings, text_embeddings)
    )
    metrics = {
        way: {name: score.value() for name, score in result.scores.items()}
        for way, result in results.items()
    }
    return {
        "extra": extra,
        "peak": peak,
        "seconds": seconds,
        "products": 2 * products,
        "metrics": metrics,
    }


def multiply(images, texts):
    """Computes every similarity once and keeps none."""
    for start in range(0, len(images), TILE):
        for other in range(0, len(texts), TILE):
            _ = images[start : start + TILE] @ texts[other : other + TILE].T


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
