"""Which share of the loss's backward pass could be skipped, at most.

    python -m experiments.benchmarks.loss.skipping --workdir=runs/emoji

Embeds training batches with a trained model and computes MP-NCE's weights of
all logits. The table shows, for tile sizes and orders of the ids, the share of
the tiles whose loss changes no gradient by more than `--tolerance`, and by how
much the backward pass could gain. `--save=FILE.npz` keeps the embeddings,
`--embeddings=FILE.npz` reads them in place of a run.
"""

import numpy as np

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.benchmarks.loss.skipping import embeddings as embedded
from experiments.benchmarks.loss.skipping import oracle
from experiments.benchmarks.loss.skipping import orders
from experiments.run.workdir import WORKDIR
from uniclip_keras.errors import InputError
from uniclip_keras.layers import DomainSimilarity

OWN = "own"
OPTIONS = {
    "embeddings": ("", "An .npz file of embeddings, in place of --workdir."),
    "save": ("", "An .npz file to write the embeddings of --workdir to."),
    "weights": ("trained", "Of the model of --workdir: trained or random."),
    "rows": (16384, "Embeddings of all domains together, at least.", 6),
    "temperatures": (["0.02"], f"Of every pair; {OWN!r} is the model's own."),
    "tiles": (["1024", "256", "64"], "Rows and columns of a tile."),
    "orders": (list(orders.ORDERS), "Orders of the ids."),
    "tolerance": (1e-6, "Relative error of the gradient.", 0.0),
}
COLUMNS = [
    "temperature",
    "order",
    "tile",
    "droppable",
    "each row exact",
    "by a bound",
    "gain after logits",
    "gain before logits",
]


def main(options):
    """Computes and prints the table."""
    sizes = benchmark.parse_integers("tiles", options.tiles, 1)
    for name in options.orders:
        if name not in orders.ORDERS:
            raise InputError(
                f"--orders={name}: give some of {list(orders.ORDERS)}."
            )
    arrays = _read(options)
    domains = [name for name in ("image", "text") if name in arrays]
    z = {name: arrays[name] for name in domains}
    ids = {name: arrays[f"{name}_ids"] for name in domains}
    count = len(np.unique(np.concatenate(list(ids.values()))))
    print(f"{sum(map(len, z.values())):,} embeddings, {count:,} ids")
    rows = []
    for temperature in options.temperatures:
        similarity = make_similarity(temperature, arrays)
        for order in options.orders:
            backward = oracle.make_backward(
                similarity, *orders.reorder(order, z, ids)
            )
            if order == options.orders[0]:
                share = oracle.droppable_logits(backward, options.tolerance)
                rows.append([temperature, "any", "1", f"{share:.1%}", *"----"])
                print(*rows[-1], flush=True)
            for size in sizes:
                shares = oracle.droppable_tiles(
                    backward, size, options.tolerance
                )
                rows.append(
                    [
                        temperature,
                        order,
                        f"{size}",
                        *(f"{share:.1%}" for share in shares),
                        *(f"{gain:.2f}" for gain in gains(shares[0])),
                    ]
                )
                print(*rows[-1], flush=True)
    print(measuring.markdown_table(COLUMNS, rows))


def gains(share):
    """How much faster the backward pass could be without a share of tiles.

    A tile takes three matrix products: its logits, and one for each role. A
    test of the logits saves two of them, a test before the logits all three.
    Tests, exponentials and smaller tiles are taken to cost nothing.
    """
    return 3 / (3 - 2 * share), np.inf if share == 1 else 1 / (1 - share)


def make_similarity(temperature, arrays):
    """Builds the similarity of a temperature, or of the model's own."""
    pairs = DomainSimilarity().pairs
    if temperature == OWN:
        return DomainSimilarity(
            temperature=dict(zip(pairs, arrays["temperature"], strict=True)),
            offset=dict(zip(pairs, arrays["offset"], strict=True)),
        )
    try:
        return DomainSimilarity(temperature=float(temperature))
    except ValueError:
        raise InputError(
            f"--temperatures={temperature}: give numbers or {OWN!r}."
        ) from None


def _read(options):
    if options.weights not in ("trained", "random"):
        raise InputError(
            f"--weights={options.weights}: give trained or random."
        )
    if options.embeddings:
        return embedded.load(options.embeddings)
    if not WORKDIR.value:
        raise InputError("Give --workdir or --embeddings.")
    arrays = embedded.embed(WORKDIR.value, options.rows, options.weights)
    if options.save:
        np.savez(options.save, **arrays)
    return arrays


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
