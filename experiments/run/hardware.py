"""What a benchmark ran on, in one line."""

import os
import pathlib
import platform
from importlib.metadata import version


def describe_hardware(threads, packages):
    """The processor, the threads in use and the versions, in one line.

    Args:
        threads: number that the benchmark computes with.
        packages: names of installed packages.
    """
    return ", ".join(
        [
            _processor(),
            f"{os.cpu_count()} cores",
            f"{threads} threads",
            *(f"{package} {version(package)}" for package in packages),
        ]
    )


def _processor():
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
