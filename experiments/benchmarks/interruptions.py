"""Kills a training at random and compares it with one that never stopped.

    python -m experiments.benchmarks.interruptions

Two runs of one small configuration are killed again and again, by SIGKILL or
SIGTERM, at any time, saving included. The first runs in one process, with
deterministic operations: its losses must be those of the undisturbed run, bit
for bit. The second starts with another number of processes each time, which
train together over loopback. Its losses may differ by 1e-5, because sums over
processes round differently. Each step must be there once.
"""

import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from experiments.benchmarks import benchmark
from experiments.benchmarks import measuring
from experiments.benchmarks.input.memory import make_samples
from experiments.corpora.writing import write_shards
from experiments.run.hardware import describe_hardware

OPTIONS = {
    "kills": (20, "Kills of each run.", 1),
    "steps": (150, "Steps of the training.", 10),
    "workers": (["1", "2", "3"], "Numbers of processes to choose from."),
    "seed": (0, "Of the choice of kills and processes."),
}

_TOLERANCE = 1e-5
_LONGEST_START = 300.0

_CONFIG = """
from experiments.configs import emoji

def get_config():
    config = emoji.get_config()
    with config.unlocked():
        config.data.directory = {folder!r}
        config.data.train = {{
            "most": {{"path": "most-*.tar", "weight": 3.0}},
            "rest": {{"path": "rest-*.tar", "weight": 1.0}},
        }}
        config.data.id_field = config.data.caption_field = ""
        config.data.shuffle_buffer = 480
        config.tokenizer.vocabulary_size = 300
        config.image_size = 16
        config.batch_size = 24
        config.steps = {steps}
        config.log_every = 1
        config.checkpoint_every = 2
        config.image_encoder = {{
            "kind": "vit", "patch_size": 8, "width": 32, "layers": 2,
            "heads": 2,
        }}
        config.text_encoder = {{
            "kind": "clip_text", "width": 32, "layers": 1, "heads": 2,
        }}
        config.model.embedding_dim = 32
        config.optimizer.learning_rate = 1e-3
        config.optimizer.warmup_steps = 10
    return config
"""


def main(options):
    """Trains three runs, kills two of them and compares their losses."""
    print(describe_hardware(2, ["tensorflow", "keras"]))
    chance = random.Random(options.seed)
    counts = benchmark.parse_integers("workers", options.workers, 1)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        config = write_corpus(folder, options.steps)
        run_to_end(config, folder / "undisturbed", lambda: 1)
        expected = losses(folder / "undisturbed")
        for name, choose in (
            ("one process", lambda: 1),
            ("many", lambda: chance.choice(counts)),
        ):
            print(f"{name}:", flush=True)
            workdir = folder / name.replace(" ", "_")
            run_to_end(config, workdir, choose, options.kills, chance)
            compare(name, losses(workdir), expected)


def write_corpus(folder, steps):
    """Writes tars and a configuration; returns the path of the latter.

    No number of processes divides the tars, and some images are broken.
    """
    samples = list(make_samples(1501))
    for number in range(0, 1501, 50):
        samples[number][1]["jpg"] = samples[number][1]["jpg"][:100]
    write_shards(folder, "most", samples[:1200], 171)
    write_shards(folder, "rest", samples[1200:], 301)
    path = folder / "interrupted.py"
    path.write_text(_CONFIG.format(folder=str(folder), steps=steps))
    return path


def run_to_end(config, workdir, choose_workers, kills=0, chance=None):
    """Starts a training until it ends by itself, after `kills` kills."""
    for number in range(kills + 1):
        workers = choose_workers()
        before = last_step(workdir)
        processes = start(config, workdir, workers)
        if number == kills:
            codes = [process.wait() for process in processes]
            if any(codes):
                raise RuntimeError(f"The training failed: {codes}.")
            return
        # Some are killed before their first step.
        steps = chance.choice((0, 1, 2, 4, 8))
        wait_for(
            lambda b=before, s=steps: last_step(workdir) >= b + s, processes
        )
        time.sleep(chance.random() * chance.choice((0.1, 1.0)))
        ended = [process.poll() for process in processes]
        if any(ended):
            raise RuntimeError(f"The training failed: {ended}.")
        kind = chance.choice((signal.SIGKILL, signal.SIGTERM))
        # One worker that is told to stop must stop them all.
        told = processes
        if kind == signal.SIGTERM and last_step(workdir) > before:
            told = [chance.choice(processes)]
        for process in told:
            process.send_signal(kind)
        codes = [process.wait() for process in processes]
        print(
            f"kill {number + 1}: {kind.name}, {workers} process(es), steps "
            f"{before} to {last_step(workdir)}, status {codes}",
            flush=True,
        )
        if kind == signal.SIGTERM and {*codes} - {143, -15}:
            raise RuntimeError(f"SIGTERM ended with status {codes}.")


def start(config, workdir, workers):
    """Starts the processes of a training."""
    kind = "one_device" if workers == 1 else "multi_worker"
    command = [sys.executable, "-m", "experiments.pretrain"]
    command += [f"--config={config}", f"--workdir={workdir}"]
    command += [f"--config.distribution={kind}"]
    processes = []
    for environment in measuring.worker_environments(workers):
        environment["TF_DETERMINISTIC_OPS"] = "1"
        log = open(f"{workdir}.log", "a")  # noqa: SIM115
        processes.append(
            subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        )
    return processes


def wait_for(is_true, processes):
    """Waits until something is true or a process has ended."""
    end = time.monotonic() + _LONGEST_START
    while not is_true() and not any(p.poll() is not None for p in processes):
        if time.monotonic() > end:
            raise RuntimeError("The training does not go on.")
        time.sleep(0.02)


def last_step(workdir):
    """Returns the last step in the history; 0 without one."""
    return max(losses(workdir), default=0)


def losses(workdir):
    """Returns `{step: loss}` of a run, whose history is being written."""
    path = workdir / "history.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    found = {}
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if row["step"] in found:
            raise RuntimeError(f"Step {row['step']} is there twice.")
        found[row["step"]] = row["loss"]
    return found


def compare(name, found, expected):
    """Prints the largest difference of the losses; too large is an error."""
    if found.keys() != expected.keys():
        missing = sorted(expected.keys() ^ found.keys())
        raise RuntimeError(f"{name}: the steps {missing} differ.")
    largest = max(abs(found[step] - expected[step]) for step in expected)
    allowed = 0.0 if name == "one process" else _TOLERANCE
    print(
        f"{name}: {len(found)} steps, largest difference of a loss "
        f"{largest:.2g}, allowed {allowed:g}",
        flush=True,
    )
    if largest > allowed:
        raise RuntimeError(f"{name}: the losses differ by {largest:.2g}.")


if __name__ == "__main__":
    benchmark.run_benchmark(OPTIONS, main)
