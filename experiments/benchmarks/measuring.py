"""What the benchmarks share: own processes, time, memory and tables.

This module imports the standard library alone, because processes that measure
other libraries use it too.
"""

import contextlib
import ctypes
import gc
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

# The core is chosen before any library starts threads. The checkout comes last
# on the path, so that an interpreter finds its own libraries first.
_CHILD = """
import importlib, json, os, sys
root, core, module, function, arguments = sys.argv[1:]
if core:
    os.sched_setaffinity(0, {int(core)})
sys.path.append(root)
function = getattr(importlib.import_module(module), function)
print("\\n" + json.dumps(function(**json.loads(arguments))))
"""


def call_in_process(
    function, threads, core="", python=sys.executable, hide_gpus=True, **args
):
    """Calls a function in a new process, without memory of earlier cases.

    The function is named `"module:name"`; JSON must hold its arguments and
    what it returns. TensorFlow and PyTorch take so many threads, and see GPUs
    only without `hide_gpus`.

    Raises:
        MemoryError: A signal killed the process.
        RuntimeError: The function failed; the message holds its traceback.
    """
    root = str(pathlib.Path(__file__).parents[2])
    arguments = [root, str(core), *function.split(":"), json.dumps(args)]
    # Level 2 keeps the commands' package from importing TensorFlow to mute it:
    # the process may measure another library, and its stderr is not shown.
    libraries = {"TF_CPP_MIN_LOG_LEVEL": "2"}
    if hide_gpus:
        libraries["CUDA_VISIBLE_DEVICES"] = "-1"
    libraries |= dict.fromkeys(
        ("OMP_NUM_THREADS", "TF_NUM_INTEROP_THREADS", "TF_NUM_INTRAOP_THREADS"),
        str(threads),
    )
    process = subprocess.run(
        [python, "-c", _CHILD, *arguments],
        capture_output=True,
        text=True,
        env=os.environ | libraries,
    )
    if process.returncode < 0:
        raise MemoryError(
            f"{function} with {args} was ended by signal "
            f"{-process.returncode}, most likely for lack of memory"
        )
    if process.returncode:
        raise RuntimeError(
            f"{function} with {args} failed in {python}:\n{process.stderr}"
        )
    # Libraries may print before the answer.
    return json.loads(process.stdout.splitlines()[-1])


def worker_environments(count):
    """Returns the environments of processes that train together on the CPU.

    `TF_CONFIG` names their free ports on this machine; one process has none.
    """
    ports = []
    with contextlib.ExitStack() as sockets:
        for _ in range(count):
            one = sockets.enter_context(socket.create_server(("127.0.0.1", 0)))
            ports.append(one.getsockname()[1])
    cluster = {"worker": [f"127.0.0.1:{port}" for port in ports]}
    environments = []
    for index in range(count):
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
        environment.pop("TF_CONFIG", None)
        if count > 1:
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": cluster, "task": task})
            environment["TF_CONFIG"] = config
        environments.append(environment)
    return environments


def processor_medians(cases, repeats):
    """Calls functions in turn; returns their median processor seconds.

    Args:
        cases: Dict name -> function without arguments.
        repeats: int. Calls of each.
    """
    seconds = {name: [] for name in cases}
    for _ in range(repeats):
        for name, call in cases.items():
            begin = time.process_time()
            call()
            seconds[name].append(time.process_time() - begin)
    return {name: statistics.median(found) for name, found in seconds.items()}


def timed(function):
    """Returns `(wall, cpu, result)` of a call without arguments.

    Both times are in seconds; processor time is that of all threads.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    result = function()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def extra_peak(function):
    """Calls a function without arguments and measures its peak memory.

    The highest resident memory of the process during the call, less the
    resident memory before it; too little where a container forbids to reset
    the high-water mark. Returns `(bytes, result)`.
    """
    gc.collect()
    # The allocator keeps freed memory: resident then does not mean in use.
    # Only glibc has this call.
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    # 5 resets the high-water mark to the resident memory.
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmHWM")
    result = function()
    return memory("VmHWM") - before, result


def memory(kind):
    """Returns the bytes resident now ("VmRSS") or at the peak ("VmHWM")."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(f"{kind}:"))
    return int(line.split()[1]) * 1024


def markdown_table(header, rows):
    """Formats rows of cells, which are strings, as a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
