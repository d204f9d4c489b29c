"""Processes of their own, peak memory and tables."""

import os

import numpy as np
import pytest

from experiments.benchmarks.measuring import call_in_process
from experiments.benchmarks.measuring import extra_peak
from experiments.benchmarks.measuring import markdown_table
from experiments.benchmarks.measuring import memory

MEGABYTE = 10**6


@pytest.fixture(autouse=True)
def functions(tmp_path, monkeypatch):
    """A module of functions to call."""
    (tmp_path / "functions.py").write_text(
        "import os\n"
        "def double(number):\n"
        "    print('noise')\n"
        "    threads = os.environ['TF_NUM_INTRAOP_THREADS']\n"
        "    return 2 * number, threads, list(os.sched_getaffinity(0))\n"
        "def fail(): raise ValueError('the cause')\n"
        "def end(): os.kill(os.getpid(), 9)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_a_call_in_a_process():
    core = max(os.sched_getaffinity(0))
    answer = call_in_process("functions:double", 3, core=core, number=4)
    assert answer == [8, "3", [core]]


def test_a_process_that_fails():
    with pytest.raises(MemoryError, match="functions:end .* signal 9.* memory"):
        call_in_process("functions:end", 1)
    words = "(?s)functions:fail .* failed.*the cause"
    with pytest.raises(RuntimeError, match=words):
        call_in_process("functions:fail", 1)


@pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK),
    reason="the high-water mark cannot be reset here",
)
def test_extra_peak_sees_what_a_call_holds_at_once():
    np.ones(100 * MEGABYTE, np.uint8)  # an earlier peak does not hide it

    def call():
        for _ in range(3):
            np.ones(50 * MEGABYTE, np.uint8)
        return np.ones(10 * MEGABYTE, np.uint8)

    peak, result = extra_peak(call)
    assert result.nbytes == 10 * MEGABYTE
    assert peak == pytest.approx(50 * MEGABYTE, abs=5 * MEGABYTE)
    assert 0 < memory("VmRSS") <= memory("VmHWM")


def test_a_markdown_table():
    table = markdown_table(["a", "b"], [["1", "2"], ["3", "4"]])
    assert table == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"
