"""Memory of the batches of several replicas, while they are made and held.

    python -m experiments.benchmarks.input.replicas

Draws photos into a tar and takes global batches of SLIP's three views through
`training.distribute_dataset`, on as many logical processors as there are
replicas. Like a long step of `fit`, it holds a batch until the next one is made
and lets it go before it takes that one. Each type of views has a process of its
own; the table shows its highest resident memory (VmHWM) after each phase, in GB
(10^9 bytes).
"""

import functools
import pathlib
import tempfile
import time

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.benchmarks.input.samples import draw_photos
from experiments.corpora.writing import write_shards
from experiments.run.hardware import describe_hardware

OPTIONS = {
    "types": (["uint8"], "Types of the views: uint8, float32."),
    "batch": (4_096, "Samples of a global batch.", 1),
    "replicas": (4, "Replicas; 1 takes no strategy.", 1),
    "batches": (4, "Global batches to take.", 2),
    "image_size": (224, "Pixels per side of a view.", 1),
    "photos": (300, "Photos of 500 x 375 pixels in the tar.", 240),
    "threads": (2, "Of the pipeline.", 1),
}


def main(options):
    """Draws the photos, measures each type and prints a table."""
    print(describe_hardware(options.threads, ["tensorflow"]), flush=True)
    names = "batch", "replicas", "batches", "image_size"
    case = {name: getattr(options, name) for name in names}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        photos = draw_photos(options.photos)
        write_shards(pathlib.Path(folder), "photos", photos, options.photos)
        for dtype in options.types:
            found = measuring.call_in_process(
                "experiments.benchmarks.input.replicas:measure",
                # An operation may wait for those of other replicas.
                options.threads + options.replicas,
                folder=folder,
                dtype=dtype,
                pipeline_threads=options.threads,
                **case,
            )
            rows.append(format_row(dtype, found))
            print(f"{dtype}: done", flush=True)
    header = ["views", "a global batch, GB", "libraries", "pipeline"]
    header += [f"batch {n}" for n in range(1, options.batches + 1)]
    print(measuring.markdown_table(header, rows))


def format_row(dtype, found):
    """Returns a row of the table for what `measure` found."""
    sizes = found["batch"], *found["peaks"]
    return [dtype, *(f"{size / 1e9:.2f}" for size in sizes)]


def measure(
    folder, dtype, batch, replicas, batches, image_size, pipeline_threads
):
    """Returns the bytes of a global `batch`, and `peaks` of the phases."""
    import tensorflow as tf

    from uniclip_keras import data
    from uniclip_keras import training

    strategy = tf.distribute.get_strategy()
    if replicas > 1:
        (processor,) = tf.config.list_physical_devices("CPU")
        device = tf.config.LogicalDeviceConfiguration()
        tf.config.set_logical_device_configuration(
            processor, [device] * replicas
        )
        strategy = tf.distribute.MirroredStrategy(
            [f"CPU:{number}" for number in range(replicas)]
        )
    peaks = [measuring.memory("VmHWM")]
    make = functools.partial(
        data.training_dataset,
        data.WebDataset(folder),
        data.SubwordTokenizer.train(["a photo"], 64, 8),
        data.augmentation.SLIP_RECIPE,
        image_size,
        seed=0,
        # Larger data does not stay in memory either.
        shuffle_buffer=240,
        threads=pipeline_threads,
        views_dtype=dtype,
    )
    dataset = training.distribute_dataset(make, batch, strategy=strategy)
    iterator = iter(dataset)
    peaks.append(measuring.memory("VmHWM"))
    for _ in range(batches):
        held = next(iterator)
        wait_until_idle()
        peaks.append(measuring.memory("VmHWM"))
        views = strategy.experimental_local_results(held["views"])
        size = sum(x.shape.num_elements() * x.dtype.size for x in views)
        del held, views
    return {"batch": size, "peaks": peaks}


def wait_until_idle(seconds=5, share=0.02):
    """Waits for so many seconds without more than a share of a core's work."""
    quiet = 0
    while quiet < seconds:
        before = time.process_time()
        time.sleep(1)
        quiet = 0 if time.process_time() - before > share else quiet + 1


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
