"""Processes times logical devices: their names, and their start."""

import json
import re
import subprocess
import sys
import time
from typing import NamedTuple

from experiments.benchmarks import measuring
from experiments.benchmarks.replicas.cases import ITEMS
from uniclip_keras.errors import InputError

# A worker waits for the others without end.
_LONGEST_CASE = 900.0  # Seconds


class Topology(NamedTuple):
    """Processes, and logical CPU devices of each; a replica per device."""

    processes: int
    devices: int

    @property
    def replicas(self):
        return self.processes * self.devices

    def __str__(self):
        return f"{self.processes}x{self.devices}"


def parse(name):
    """Reads the name of a topology: `2x4` are two processes of four devices.

    Raises:
        InputError: If it is no such name, or the batch cannot be dealt to it.
    """
    match = re.fullmatch("([1-9][0-9]*)x([1-9][0-9]*)", name)
    topology = match and Topology(*map(int, match.groups()))
    if not topology or ITEMS % topology.replicas:
        raise InputError(
            f"topology {name!r}: give processes x devices, such as 1x4 or 2x1, "
            f"whose product divides {ITEMS}."
        )
    return topology


class Training:
    """The processes that train cases on a topology, and what they found.

    Args:
        topology: `Topology`, or None for one device without a strategy.
        cases: Names of the cases.
        folder: `pathlib.Path` of a folder for the files of the processes.
    """

    def __init__(self, topology, cases, folder):
        self.name, self.cases = str(topology or "one"), cases
        count = topology.processes if topology else 1
        outputs = [folder / f"{self.name}_{i}.jsonl" for i in range(count)]
        self.outputs, self.processes = outputs, []
        self.log = folder / f"{self.name}.log"
        self.done, self.last = 0, time.monotonic()
        for output, environment in zip(
            outputs, measuring.worker_environments(count), strict=True
        ):
            command = [sys.executable, "-m", f"{__package__}.training"]
            command += [self.name, ",".join(cases), str(output)]
            with open(self.log, "a") as log:
                self.processes.append(
                    subprocess.Popen(
                        command, env=environment, stdout=log, stderr=log
                    )
                )

    def news(self):
        """Returns the names of the cases finished since the last call.

        Raises:
            RuntimeError: If a process has failed or none goes on.
        """
        done = len(self._lines(self.outputs[0]))
        if done > self.done:
            self.last = time.monotonic()
        codes = [process.poll() for process in self.processes]
        stands = time.monotonic() - self.last > _LONGEST_CASE
        if any(codes) or stands:
            raise RuntimeError(
                f"{self.name}, after {done} cases: "
                f"{'no progress' if stands else f'exit status {codes}'}.\n"
                f"{self.log.read_text(errors='replace')[-3000:]}"
            )
        new, self.done = self.cases[self.done : done], done
        return new

    def has_ended(self):
        return all(process.poll() == 0 for process in self.processes)

    def results(self):
        """Returns what each process found: mapping from case to a list."""
        found = [map(json.loads, self._lines(path)) for path in self.outputs]
        return dict(zip(self.cases, zip(*found, strict=True), strict=True))

    def stop(self):
        """Ends what still runs."""
        for process in self.processes:
            process.kill()
            process.wait()

    @staticmethod
    def _lines(path):
        """The complete lines of a file that may be being written."""
        text = path.read_text() if path.exists() else ""
        return text.splitlines()[: text.count("\n")]
