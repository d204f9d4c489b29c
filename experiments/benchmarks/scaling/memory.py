"""Memory of the loss on replicas, measured: in parts, and in one piece.

    python -m experiments.benchmarks.scaling.memory --parts=1,8

MP-NCE and its gradients, for an image and a text per pair, on replicas that
are logical CPU devices of one process. With one part, a replica holds all
candidates of a domain at a time. docs/benchmarks.md says what is counted.
"""

import math
import os

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.run.hardware import describe_hardware

OPTIONS = {
    "pairs": (4096, "Pairs of the global batch.", 8),
    "dim": (2048, "Embedding size.", 1),
    "replicas": (4, "Logical devices.", 2),
    "parts": (["1", "8"], "Most parts of the candidates of a domain."),
    "tile_size": (512, "Rows and columns of a tile.", 1),
    "threads": (os.cpu_count(), "Threads to compute with.", 1),
}
COLUMNS = ["parts", "MB per replica", "to the first", "tracing, s", "loss"]


def main(options):
    """Measures each number of parts in a process of its own."""
    parts = benchmark.parse_integers("parts", options.parts, 1)
    print(describe_hardware(options.threads, ["tensorflow"]))
    names = ("pairs", "dim", "replicas", "tile_size")
    settings = {name: options[name].value for name in names}
    cases = [
        measuring.call_in_process(
            "experiments.benchmarks.scaling.memory:measure",
            options.threads,
            most_parts=count,
            **settings,
        )
        for count in parts
    ]
    first = cases[0]
    rows = [
        [
            f"{count}",
            f"{case['bytes'] / options.replicas / 1e6:,.1f}",
            f"{case['bytes'] / first['bytes']:.2f}",
            f"{case['tracing']:.1f}",
            f"{case['loss']:.6f}",
        ]
        for count, case in zip(parts, cases, strict=True)
    ]
    print(measuring.markdown_table(COLUMNS, rows), flush=True)
    for case in cases:
        if not math.isclose(case["loss"], first["loss"], rel_tol=1e-5):
            raise RuntimeError(f"The losses differ: {cases}.")


def measure(most_parts, pairs, dim, replicas, tile_size):
    """Measures the second call of a traced loss with its gradients.

    Returns the most bytes that tensors held at once, on all replicas, apart
    from those before the call; seconds of processor time to trace; the loss.
    """
    # This allocator counts. What Linux says stays high after the first call,
    # because TensorFlow's own keeps what it frees.
    os.environ["TF_CPU_ALLOCATOR_USE_BFC"] = "true"
    import tensorflow as tf

    from uniclip_keras.layers import DomainSimilarity
    from uniclip_keras.losses import MPNCE
    from uniclip_keras.losses import exchange

    exchange.LEAST_ROWS = 1
    exchange.MOST_PARTS = most_parts
    exchange.PARTS_PER_REPLICA = most_parts
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(
        cpu, [tf.config.LogicalDeviceConfiguration()] * replicas
    )
    strategy = tf.distribute.MirroredStrategy(
        [f"CPU:{index}" for index in range(replicas)]
    )
    with strategy.scope():
        loss = MPNCE(DomainSimilarity(("image", "text")), tile_size=tile_size)
    rows = pairs // replicas

    def make_shard(context):
        index = context.replica_id_in_sync_group
        seeds = {"image": [0, index], "text": [1, index]}
        normal = tf.random.stateless_normal
        ids = tf.range(rows, dtype=tf.int64) + index * rows
        ids %= pairs - pairs // 8
        return (
            {d: normal([rows, dim], seed) for d, seed in seeds.items()},
            dict.fromkeys(seeds, ids),
        )

    def gradients(embeddings, ids):
        with tf.GradientTape() as tape:
            tape.watch(embeddings)
            value = loss(embeddings, ids=ids)
        return value, tape.gradient(value, embeddings)

    @tf.function(autograph=False)
    def step(embeddings, ids):
        return strategy.run(gradients, (embeddings, ids))

    shards = strategy.experimental_distribute_values_from_function(make_shard)
    _, tracing, _ = measuring.timed(lambda: step.get_concrete_function(*shards))
    step(*shards)
    before = tf.config.experimental.get_memory_info("CPU:0")["current"]
    tf.config.experimental.reset_memory_stats("CPU:0")
    values, _ = step(*shards)
    values = [float(x) for x in strategy.experimental_local_results(values)]
    peak = tf.config.experimental.get_memory_info("CPU:0")["peak"]
    return {
        "bytes": peak - before,
        "tracing": tracing,
        "loss": sum(values) / replicas,
    }


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
