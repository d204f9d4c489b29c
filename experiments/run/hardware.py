"""The hardware and the package versions behind a measurement."""

import os
import pathlib
import platform
import re
from importlib.metadata import version


def describe_hardware(threads=None, packages=()):
    """Returns processor, threads and versions of packages in one line."""
    parts = [_processor(), f"{os.cpu_count()} cores"]
    if threads:
        parts.append(f"{threads} threads")
    parts += [f"{package} {version(package)}" for package in packages]
    return ", ".join(parts)


def versions(packages):
    """Returns `{name: version}` of Python and of installed packages."""
    found = {package: version(package) for package in packages}
    return {"python": platform.python_version()} | found


def _processor():
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    if model := re.search(r"^model name\s*: (.*)", text, re.MULTILINE):
        return model[1].strip()
    return platform.processor() or platform.machine()
