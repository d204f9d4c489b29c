"""The pool with real processes that do little."""

import os
import pathlib
import signal
import time
from types import SimpleNamespace

import pytest

from experiments.ablation.pool import LOG
from experiments.ablation.pool import Pool
from experiments.run.command import Stopped


@pytest.fixture
def make_run(tmp_path):
    def make(name, code):
        return SimpleNamespace(
            name=name,
            workdir=str(tmp_path / name),
            code=code,
            images=10,
            images_done=lambda: 0,
        )

    return make


def pool(jobs=1, **options):
    return Pool(jobs, lambda run: ["-c", run.code], **options)


def test_each_run_ends_with_its_status_and_its_log(make_run):
    runs = [
        make_run("good", "print('all well')"),
        make_run("bad", "import sys; print('what went wrong'); sys.exit(2)"),
        make_run("cores", "import os; print(*os.sched_getaffinity(0))"),
    ]
    lines = []
    found = {
        run.name: status
        for run, status in pool(2, print_line=lines.append).run(runs)
    }
    assert found == {"good": 0, "bad": 2, "cores": 0}
    logs = [pathlib.Path(run.workdir, LOG).read_text() for run in runs]
    assert logs[:2] == ["all well\n", "what went wrong\n"]
    cores = {int(core) for core in logs[2].split()}
    everything = os.sched_getaffinity(0)
    assert cores <= everything
    assert len(cores) <= max(1, (len(everything) + 1) // 2)
    assert lines == ["0% of the grid"] * 3


def test_a_second_start_adds_to_the_log(make_run):
    run = make_run("again", "print('once')")
    for _ in range(2):
        assert list(pool(print_line=str).run([run])) == [(run, 0)]
    assert pathlib.Path(run.workdir, LOG).read_text() == "once\nonce\n"


def test_progress_tells_what_is_left(make_run):
    run = make_run("slow", "import time; time.sleep(1)")
    done = iter([0, 5, 8, 10, 10, 10, 10])
    run.images_done = lambda: next(done)
    lines = []
    list(pool(print_line=lines.append, every=0.0).run([run]))
    assert lines[0] == "50% of the grid, about 0 min left"


def test_a_signal_ends_the_processes(make_run, tmp_path):
    code = (
        "import pathlib, signal, sys, time\n"
        "def end(*_):\n    print('saved', flush=True); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"pathlib.Path({str(tmp_path / 'begun')!r}).touch()\n"
        "time.sleep(60)"
    )
    run = make_run("stopped", code)

    def send(line):
        while not (tmp_path / "begun").exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped) as stopped:
        list(pool(print_line=send, every=0.0).run([run]))
    assert stopped.value.signal == signal.SIGTERM
    assert pathlib.Path(run.workdir, LOG).read_text() == "saved\n"
    assert signal.getsignal(signal.SIGTERM) == before
