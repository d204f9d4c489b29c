"""What MP-NCE costs each replica, for growing batches and replicas.

    python -m experiments.benchmarks.scaling --dim=512

Prints a table of formulas, for an image and a text per pair: bytes that a
replica receives in sums over replicas in a step, operations of its matrix
products, and bytes that it holds. Of one replica, which exchanges nothing and
computes half of the tiles, it prints nothing. See `counts` for the formulas.
"""

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.benchmarks.scaling import counts

OPTIONS = {
    "pairs": (["4096", "16384", "32768", "131072"], "Global batch sizes."),
    "replicas": (["2", "4", "8", "64", "512"], "Numbers of replicas."),
    "dim": (512, "Embedding size.", 1),
}
COLUMNS = ["pairs", "replicas", "received, MB", "GFLOP", "held, MB"]


def main(options):
    """Prints the table."""
    pairs = benchmark.parse_integers("pairs", options.pairs, 1)
    replicas = benchmark.parse_integers("replicas", options.replicas, 2)
    print(
        measuring.markdown_table(
            COLUMNS, make_rows(pairs, replicas, options.dim)
        )
    )


def make_rows(pairs, replicas, dim):
    """Lists the cells of each batch and number of replicas that divides it."""
    rows = []
    for batch in pairs:
        for count in replicas:
            if batch % count:
                continue
            shard = {"image": batch // count, "text": batch // count}
            figures = (
                counts.received_bytes(shard, dim, count) / 1e6,
                counts.flops(shard, dim, count) / 1e9,
                counts.memory_bytes(shard, dim, count) / 1e6,
            )
            rows.append(
                [f"{batch:,}", f"{count}", *(f"{x:,.0f}" for x in figures)]
            )
    return rows


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
