"""The hardware and the package versions behind a measurement."""

import os
import pathlib
import platform
from importlib.metadata import version


def describe_hardware(threads=None, packages=()):
    """Returns the processor, threads and versions in one line.

    Args:
        threads: Number of threads that computed, or None.
        packages: Names of installed packages.
    """
    return ", ".join(
        [
            _processor(),
            f"{os.cpu_count()} cores",
            *([f"{threads} threads"] if threads else []),
            *(f"{package} {version(package)}" for package in packages),
        ]
    )


def versions(packages):
    """Returns `{name: version}` of Python and of installed packages."""
    found = {package: version(package) for package in packages}
    return {"python": platform.python_version()} | found


def _processor():
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
