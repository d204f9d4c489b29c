"""Trains and evaluates a grid of runs, with several seeds, and compares them.

    python -m experiments.ablate --grid=experiments/configs/grids/identity.py \
        --workdir=runs/identity [--jobs=2]

A grid file names configurations and seeds; `experiments.ablation.grid` says
how. Each run has a workdir of its own in that of the grid. When one ends, its
figures join `results.jsonl`, and `table.txt` and `compare.html` show all that
is there. Started again, the command continues runs and leaves finished ones
alone. A run that fails costs no other one: its log.txt says why, and the exit
status is 2.

`--pilot=40` takes 40 steps of each run and prints what a step costs, by which
runs can get the same processor time. `--evaluation=FILE` measures finished
runs on further sets: the test splits, once all choices are made.
`--only=NAME/seed_0` trains one run in this process, on another machine for
example.
"""

import sys

from absl import flags
from ml_collections import config_flags

from experiments.ablation import costs
from experiments.ablation import results
from experiments.ablation.grid import runs_of
from experiments.ablation.pool import LOG
from experiments.ablation.pool import Pool
from experiments.evaluation.sets import given_sets
from experiments.pretrain import pretrain
from experiments.run.command import run as run_command
from experiments.run.workdir import WORKDIR
from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest

_GRID = config_flags.DEFINE_config_file("grid", None, "File of the grid.")
_JOBS = flags.DEFINE_integer(
    "jobs", 1, "Runs at a time, which share the processor cores.", 1
)
_ONLY = flags.DEFINE_string(
    "only", None, "Train this run alone, in this process: NAME/seed_0."
)
_PILOT = flags.DEFINE_integer(
    "pilot", 0, "Take so many steps of each run, and print their cost.", 0
)


def main(argv):
    folder, sets = WORKDIR.value, given_sets()
    if "://" in folder:
        raise InputError(
            f"--workdir={folder} is an address; give a folder of this "
            "machine, where the processes of the runs can print."
        )
    runs = runs_of(_GRID.value, folder)
    steps = runs[0].config.steps
    if _PILOT.value:
        runs = costs.pilots(runs, folder, _PILOT.value)
    if _ONLY.value:
        only = _named(runs, _ONLY.value)
        pretrain(only.config, only.workdir)
        if not _PILOT.value:
            results.evaluate_run(only, sets)
        return
    arguments = ["-m", "experiments.ablate", *sys.argv[1:]]
    pool = Pool(_JOBS.value, lambda run: [*arguments, f"--only={run.name}"])
    if _PILOT.value:
        failed = train(runs, pool)
        print(costs.format_costs(runs, steps))
    else:
        failed = ablate(runs, folder, pool, sets)
    if failed:
        raise InputError(
            f"{len(failed)} of {len(runs)} runs failed; see "
            f"{', '.join(f'{run.workdir}/{LOG}' for run in failed)}."
        )


def _named(runs, name):
    for run in runs:
        if run.name == name:
            return run
    names = [run.name for run in runs]
    raise InputError(
        f"--only={name} is no run of the grid{suggest(name, names)}."
    )


def ablate(runs, folder, pool, sets=None):
    """Trains and measures what is not finished, and compares what is.

    Args:
        runs: List of `GridRun`.
        folder: Folder of the results.
        pool: The `Pool` that trains.
        sets: A section like `config.evaluation` to measure, too, or None.

    Returns:
        The runs that failed.
    """
    left = [run for run in runs if not results.is_finished(run, sets)]
    done = len(runs) - len(left)
    pool.print_line(f"{done} of {len(runs)} runs are finished.")

    def write():
        finished = [run for run in runs if results.is_finished(run, sets)]
        if finished:
            results.write_results(finished, folder)

    failed = train(left, pool, after_each=write)
    if not left:
        write()
    pool.print_line(f"page: {folder}/{results.PAGE}")
    return failed


def train(runs, pool, after_each=lambda: None):
    """Trains runs, says which end, and returns those that failed."""
    failed = []
    for run, status in pool.run(runs):
        if status:
            failed.append(run)
            pool.print_line(
                f"{run.name} FAILED with exit status {status}: see "
                f"{run.workdir}/{LOG}"
            )
        else:
            pool.print_line(f"{run.name} is finished.")
            after_each()
    return failed


if __name__ == "__main__":
    flags.mark_flags_as_required(["grid", "workdir"])
    run_command(main)
