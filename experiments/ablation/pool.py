"""Processes of runs: some at a time, each on processor cores of its own."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

from experiments.run.command import Stopped

LOG = "log.txt"


class Pool:
    """Starts a process for each run, and says how they go.

    A process prints into `log.txt` in the workdir. On SIGTERM and on Ctrl-C
    all processes are asked to end, which saves their runs, and waited for.

    Args:
        jobs: int. Runs at a time. They share the processor cores evenly.
        command: Function from a run to the arguments of its process.
        print_line: Function that prints a line.
        every: float. Seconds between two lines about the progress.
    """

    def __init__(self, jobs, command, print_line=print, every=60.0):
        self.cores = _shares(jobs)
        self.command = command
        self.print_line = print_line
        self.every = every

    def run(self, runs):
        """Yields `(run, exit status)` of each run when its process ends."""
        waiting, running = list(runs), {}
        progress = _Progress(runs)
        with _raising_stopped():
            try:
                while waiting or running:
                    for slot in range(len(self.cores)):
                        if waiting and slot not in running:
                            run = waiting.pop(0)
                            running[slot] = run, self._start(run, slot)
                    time.sleep(0.5)
                    for slot, (run, process) in list(running.items()):
                        if process.poll() is not None:
                            del running[slot]
                            yield run, process.returncode
                            self.print_line(progress.line())
                    if progress.silent() > self.every and running:
                        self.print_line(progress.line())
            finally:
                for _, process in running.values():
                    process.terminate()
                for _, process in running.values():
                    process.wait()

    def _start(self, run, slot):
        folder = pathlib.Path(run.workdir)
        folder.mkdir(parents=True, exist_ok=True)
        cores = self.cores[slot]
        environment = os.environ | {"OMP_NUM_THREADS": str(len(cores))}
        with open(folder / LOG, "a") as log, _on_cores(cores):
            return subprocess.Popen(
                [sys.executable, *self.command(run)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C comes to this process, which then asks them to end.
                start_new_session=True,
            )


class _Progress:
    """What is done of all runs, in images, and how long the rest may take."""

    def __init__(self, runs):
        self.runs = runs
        self.total = sum(run.images for run in runs)
        self.before = sum(run.images_done() for run in runs)
        self.started = self.printed = time.monotonic()

    def silent(self):
        return time.monotonic() - self.printed

    def line(self):
        self.printed = time.monotonic()
        done = sum(run.images_done() for run in self.runs)
        line = f"{done / self.total:.0%} of the grid"
        if done > self.before:
            seconds = self.printed - self.started
            left = seconds * (self.total - done) / (done - self.before) / 60
            line += f", about {left:.0f} min left"
        return line


def _shares(jobs):
    """Returns a set of processor cores for each job."""
    if hasattr(os, "sched_getaffinity"):
        cores = sorted(os.sched_getaffinity(0))
    else:
        cores = list(range(os.cpu_count()))
    # More jobs than cores share them all.
    return [set(cores[job::jobs]) or set(cores) for job in range(jobs)]


@contextlib.contextmanager
def _on_cores(cores):
    """Processes that start within use these cores, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def _raising_stopped():
    """SIGTERM raises `Stopped` within, as Ctrl-C raises KeyboardInterrupt."""

    def stop(number, frame):
        raise Stopped(signal.Signals(number))

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
