"""Shows the data that a configuration trains on, as one HTML page.

    python -m experiments.inspect_data --config=experiments/configs/emoji.py \
        [--output_dir=runs/inspect] [--samples=12] [--batches=10]

With `--workdir` it takes that run's tokenizer, and its configuration where no
other is given; else a vocabulary is learned as `pretrain` would.
"""

import pathlib
import time

import numpy as np
from absl import flags
from ml_collections import config_flags

from experiments.report.data_facts import Facts
from experiments.report.data_facts import lines
from experiments.report.data_facts import lost_their_tail
from experiments.report.data_facts import to_pixels
from experiments.report.data_page import write_page
from experiments.run import data
from experiments.run import workdir as workdirs
from experiments.run.command import run
from experiments.run.hardware import describe_hardware
from uniclip_keras.data import BadSamples
from uniclip_keras.data.augmentation import describe
from uniclip_keras.data.augmentation import recipe_from_config
from uniclip_keras.errors import InputError

PAGE = "data.html"
# Batches are counted until so many seconds have passed.
LONGEST = 60.0


def main(argv):
    del argv
    options = flags.FLAGS
    config = options.config
    if config is None and options.workdir is None:
        raise InputError(
            "There is nothing to look at: give --config, or the --workdir of "
            "a run."
        )
    if config is None:
        config = workdirs.read_config(options.workdir)
    inspect(
        config,
        options.output_dir,
        options.samples,
        options.batches,
        options.workdir,
    )


def inspect(config, output_dir, samples=12, batches=10, workdir=None):
    """Looks at the training data and writes the page.

    Args:
        config: the configuration.
        output_dir: folder to write `data.html` into; made if need be.
        samples: samples to show, at least 1.
        batches: batches to count, at least 2, fewer where they are slow.
        workdir: a run whose tokenizer to take, or None.

    Returns:
        The page's path.

    Raises:
        InputError: for numbers that are too small, or whatever hinders
            training on the data.
    """
    if samples < 1 or batches < 2:
        raise InputError(
            f"--samples={samples} and --batches={batches} are too few: give "
            "at least 1 and 2."
        )
    print("Looking at the sources ...", flush=True)
    source = data.build_source(config)
    tokenizer = data.find_tokenizer(config, workdir, source)
    print(f"Drawing {samples} samples ...", flush=True)
    shown = show_samples(config, source, tokenizer, samples)
    # Without a limit: data that is too bad to train on is to be seen.
    bad_samples = BadSamples()
    facts, speed = count_batches(
        config, source, tokenizer, bad_samples, batches
    )
    path = pathlib.Path(output_dir) / PAGE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_page(
        path,
        {
            "config": config.to_dict(),
            "tokenizer": tokenizer,
            "samples": shown,
            "facts": facts,
            "speed": speed,
            "parts": describe_parts(config, source, facts),
            "bad_samples": bad_samples,
            "hardware": describe_hardware(config.data.threads, ("tensorflow",)),
        },
    )
    print(bad_samples.summary())
    print(f"page: {path}")
    return path


def show_samples(config, source, tokenizer, count):
    """The first samples of the first batch, each beside its whole image.

    Returns:
        list of dicts: "key", "source" (place of the part), "image" and
        "views" `[(uint8 image, what was done in words)]`, and "texts"
        `[(text, its ids in words, whether its tail is lost)]`.
    """
    config = config.copy_and_resolve_references()
    with config.unlocked(), config.ignore_type():
        config.batch_size = count
        # One more view, of which nothing is cut off.
        recipe = recipe_from_config(config.data.views)
        config.data.views = [*recipe, "identity"]
    batches = data.build_dataset(config, source, tokenizer, with_keys=True)
    batch = next(batches.as_numpy_iterator())
    pixels = to_pixels(batch["views"])
    shown = []
    for row in range(count):
        views = zip(pixels[row], batch["augmentations"][row], strict=True)
        *views, (image, _) = [(view, describe(v)) for view, v in views]
        texts = np.atleast_1d(batch["text"][row])
        tokens = np.atleast_2d(batch["tokens"][row])
        shown.append(
            {
                "key": lines(batch["key"][row])[0],
                "source": int(batch["source"][row]),
                "id": int(batch["id"][row]),
                "image": image,
                "views": views,
                "texts": list(
                    zip(
                        lines(texts),
                        tokenizer.detokenize(tokens),
                        lost_their_tail(tokenizer, texts, tokens),
                        strict=True,
                    )
                ),
            }
        )
    return shown


def count_batches(config, source, tokenizer, bad_samples, batches):
    """Counts and times the batches that training begins with.

    Returns:
        `(facts, speed)`: a `Facts`, and a dict "first" (seconds to the first
        batch), "samples_per_second", "views_per_second" of the others.
    """
    dataset = data.build_dataset(
        config, source, tokenizer, with_keys=True, bad_samples=bad_samples
    )
    facts = Facts(len(source.drawn), tokenizer)
    start = time.perf_counter()
    for batch in dataset.as_numpy_iterator():
        now = time.perf_counter()
        if not facts.batches:
            first, start = now - start, now
        facts.add(batch)
        rate = (facts.samples - config.batch_size) / max(now - start, 1e-9)
        told = f", {rate:,.0f} samples/s" if facts.batches > 1 else ""
        print(f"batch {facts.batches}/{batches}{told}", flush=True)
        late = now - start > LONGEST and facts.batches > 1
        if facts.batches == batches or late:
            break
    return facts, {
        "first": first,
        "samples_per_second": rate,
        "views_per_second": rate * batch["views"].shape[1],
    }


def describe_parts(config, source, facts):
    """The mixture as asked and as drawn, a dict for each part drawn from.

    Returns:
        list of dicts: "name", "kind", "images" in a pass, the shares "asked"
        and "drawn", and "passes" over the part in 1,000 steps.
    """
    weights = [weight for weight in source.weights if weight]
    entries = [
        (name, entry)
        for name, entry in config.data.train.items()
        if entry.get("weight", 1.0)
    ]
    parts = []
    for place, (name, entry) in enumerate(entries):
        images = source.drawn[place].count()
        seen = 1000 * config.batch_size * weights[place]
        parts.append(
            {
                "name": name,
                "kind": entry.get("kind") or "webdataset",
                "images": images,
                "asked": weights[place],
                "drawn": facts.drawn[place] / facts.samples,
                "passes": seen / max(images, 1),
            }
        )
    return parts


def define_flags():
    """`--workdir` is `experiments.workdir`'s."""
    config_flags.DEFINE_config_file(
        "config", None, "The experiment's configuration file."
    )
    flags.DEFINE_string("output_dir", "runs/inspect", "Folder of the page.")
    flags.DEFINE_integer("samples", 12, "Samples to show.")
    flags.DEFINE_integer("batches", 10, "Batches to count and time.")


if __name__ == "__main__":
    define_flags()
    run(main)
