"""Times the package's loss with tiles of several sizes, on the device there.

`uniclip_keras.losses.tiles` holds a default for each kind of device; this
checks it. GPUs take part.
"""

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.benchmarks.loss import cases

TABLES = {"negatives": "TILE_SIZES", "positives": "BAND_TILE_SIZES"}


def compare(options, pairs, settings):
    """Prints a table: each size for negatives, then for positives alone.

    Args:
        options: The flags, of which `tile_sizes` and `threads` are used.
        pairs: List of ints. Batch sizes.
        settings: dict. The other arguments of `cases.measure`.
    """
    sizes = benchmark.parse_integers("tile_sizes", options.tile_sizes, 1)
    rows = []
    for count in pairs:
        for where in TABLES:
            for size in (None, *sizes):
                found = measuring.call_in_process(
                    f"{__name__}:measure",
                    options.threads,
                    hide_gpus=False,
                    where=where,
                    size=size,
                    pairs=count,
                    **settings,
                )
                seconds = found["seconds_min"]
                if size is None:
                    default = seconds
                rows.append(
                    [
                        f"{found['embeddings']:,}",
                        where,
                        f"{found['size']:,}" + " (default)" * (size is None),
                        f"{seconds:.3f}",
                        f"{seconds / default:.2f}",
                    ]
                )
    header = ["embeddings", "tiles of", "rows of a tile", "seconds", "ratio"]
    print(measuring.markdown_table(header, rows))


def measure(where, size, **case):
    """Measures the loss with tiles of `size` rows, or of the default size.

    It changes the module's default, so it takes a process of its own.

    Returns:
        What `cases.measure` returns, and the `"size"`.
    """
    # This module need not load TensorFlow.
    from uniclip_keras.losses import tiles

    if size is not None:
        table = getattr(tiles, TABLES[where])
        table.update(dict.fromkeys(table, size))
    found = cases.measure(cases.TILED, **case)
    return found | {"size": tiles.default_size(where)}
