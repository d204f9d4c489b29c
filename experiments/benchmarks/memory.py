"""Peak memory of one call, as the operating system counts it."""

import contextlib
import ctypes
import gc
import pathlib
import resource
import sys

_STATUS = pathlib.Path("/proc/self/status")
_CLEAR_REFS = pathlib.Path("/proc/self/clear_refs")


def extra_peak(function):
    """Calls a function and measures its peak memory.

    The highest resident memory of the process during the call, less what was
    resident before it; libraries and inputs that were there do not count, the
    results do. Where the system keeps no mark that can be reset (no Linux, or
    a container that forbids it), the growth of the highest memory ever:
    never more than the truth, and less where the process had been larger.

    Args:
        function: called once, without arguments.

    Returns:
        `(bytes, result)` of the call.
    """
    gc.collect()
    _return_free_memory()
    with contextlib.suppress(OSError):
        # 5 sets the highest mark to what is resident now.
        _CLEAR_REFS.write_text("5")
    before = _highest()
    result = function()
    return _highest() - before, result


def _return_free_memory():
    """Gives back what the allocator keeps: resident then means in use."""
    with contextlib.suppress(AttributeError, OSError):
        # Other C libraries than glibc keep little, and have no such call.
        ctypes.CDLL(None).malloc_trim(0)


def _highest():
    """The highest resident memory so far, in bytes."""
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        mark = next(line for line in lines if line.startswith("VmHWM:"))
        return int(mark.split()[1]) * 1024
    # Bytes on macOS, KiB elsewhere.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
