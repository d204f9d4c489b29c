"""How often 95 % intervals of metrics hold the truth, by simulation.

    python -m experiments.benchmarks.coverage --repeats=1000

Each case draws test sets, and runs on them, from a population whose metric is
known, and counts the intervals that hold it. Beside them stand those of the
plain clustered bootstrap (percentiles of resampled groups). The last line is
the power of comparisons at the difference that they call detectable.
"""

import math
import sys
import time

import numpy as np

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.benchmarks.coverage.cases import make_cases
from experiments.benchmarks.coverage.cases import paired
from experiments.run.hardware import describe_hardware
from uniclip_keras.evaluation import Scores
from uniclip_keras.evaluation import compare_methods
from uniclip_keras.evaluation import confidence_interval
from uniclip_keras.evaluation import detectable_difference
from uniclip_keras.evaluation import paired_difference
from uniclip_keras.evaluation.bootstrap import bootstrap_medians

OPTIONS = {
    "repeats": (1000, "Test sets of each case.", 2),
    "resamples": (500, "Of the plain bootstrap; 0 leaves it out.", 0),
    "items": (50_000, "Of the timed questions.", 2),
    "seed": (0, "Of all draws."),
}


def plain_bootstrap(rng, scores, resamples):
    """Percentiles of the metric over resampled groups."""
    if scores.groups is None:
        groups = np.arange(len(scores.values))
    else:
        groups = np.unique(scores.groups, return_inverse=True)[1]
    count = groups.max() + 1
    if scores.statistic == "median":
        seed = int(rng.integers(2**31))
        values = bootstrap_medians(
            scores.values[:, None], groups, resamples, seed
        )
    else:
        classes = np.zeros(len(groups), int)
        if scores.statistic == "class_mean":
            classes = np.unique(scores.classes, return_inverse=True)[1]
        sums, items = np.zeros([2, count, classes.max() + 1])
        np.add.at(sums, (groups, classes), scores.values)
        np.add.at(items, (groups, classes), 1)
        drawn = rng.multinomial(count, np.full(count, 1 / count), resamples)
        with np.errstate(invalid="ignore"):
            values = np.nanmean((drawn @ sums) / (drawn @ items), axis=1)
    return np.quantile(values, [0.025, 0.975])


def simulate(case, repeats, resamples, seed):
    """Returns the shares of intervals below, above, and their mean width.

    Returns:
        `(below, above, width, plain)`: `plain` is the coverage of the plain
        bootstrap, or None where it does not apply.
    """
    rng = np.random.default_rng(seed)
    ends, plain = [], []
    for _ in range(repeats):
        drawn = case.draw(rng)
        ends.append(case.interval(drawn))
        if resamples and case.plain:
            low, high = plain_bootstrap(rng, drawn, resamples)
            plain.append(low <= case.truth <= high)
    low, high = np.array(ends).T
    # Ends may miss a value of few digits by a rounding.
    below = np.mean(high < case.truth - 1e-9)
    above = np.mean(low > case.truth + 1e-9)
    return below, above, (high - low).mean(), np.mean(plain) if plain else None


def simulate_power(repeats, seed):
    """Returns how often the detectable difference is found at 5 %."""
    rng = np.random.default_rng(seed)
    alike = paired("", lambda rng: np.arange(1000), 0.0, shares=(0.6, 0.6))
    differences = [paired_difference(*alike.draw(rng)) for _ in range(50)]
    gap = float(np.mean([found.detectable for found in differences]))
    shares = (0.6 + gap, 0.6)
    apart = paired("", lambda rng: np.arange(1000), 0.0, shares=shares)
    found = [paired_difference(*apart.draw(rng)) for _ in range(repeats)]
    before = detectable_difference(alike.draw(rng)[0])
    return gap, np.mean([one.p_value < 0.05 for one in found]), before


def measure_time(items, seed):
    """Returns seconds by kind of question, for 5,000 groups, 1,000 classes."""
    rng = np.random.default_rng(seed)
    groups, classes = rng.integers(5000, size=items), np.arange(items) % 1000
    hits = rng.random([6, items]) < 0.6
    kinds = {"mean per class": "class_mean", "median": "median"}
    seconds = {}
    for name, statistic in kinds.items():
        values = hits if statistic == "class_mean" else rng.random(hits.shape)
        runs = [Scores(v, statistic, classes, groups) for v in values]
        for question, ask in (
            ("interval", lambda r=runs: confidence_interval(r[0])),
            ("difference", lambda r=runs: paired_difference(r[0], r[1])),
            ("3 + 3 seeds", lambda r=runs: compare_methods(r[:3], r[3:])),
        ):
            start = time.perf_counter()
            ask()
            seconds[f"{name}, {question}"] = time.perf_counter() - start
    return seconds


def main(options):
    """Simulates all cases and prints the table."""
    print(describe_hardware(1, ["numpy"]))
    rows = []
    for case in make_cases():
        below, above, width, plain = simulate(
            case, options.repeats, options.resamples, options.seed
        )
        cover = 1 - below - above
        error = math.sqrt(cover * (1 - cover) / options.repeats)
        rows.append(
            [
                case.name,
                f"{100 * cover:.1f} ± {100 * error:.1f}",
                f"{100 * below:.1f}, {100 * above:.1f}",
                f"{width:.3g}",
                "-" if plain is None else f"{100 * plain:.1f}",
            ]
        )
        print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    header = [
        "case",
        "coverage, %",
        "too low, too high, %",
        "width",
        "plain bootstrap, %",
    ]
    print(measuring.markdown_table(header, rows))
    for name, seconds in measure_time(options.items, options.seed).items():
        print(f"{options.items} items, {name}: {seconds:.2f} s")
    gap, power, before = simulate_power(options.repeats, options.seed)
    print(
        f"Power at the detectable difference {gap:.3f}: {100 * power:.1f} %. "
        f"Before any comparison, the test set says {before:.3f}."
    )


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
