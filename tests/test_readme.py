"""The README's Python runs as printed, on a corpus in the place it names."""

import json
import pathlib
import re
import subprocess
import sys

from tiny_corpus import SHAPES
from tiny_corpus import make_samples
from tiny_corpus import write_tar

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def code(heading):
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    return re.search(r"```python\n(.*?)```", section, re.S).group(1)


def test_examples_run_as_printed(tmp_path):
    (tmp_path / "data/emoji").mkdir(parents=True)
    samples = list(make_samples())
    write_tar(tmp_path / "data/emoji/train-0.tar", samples)
    classes = [{"label": shape, "texts": [shape]} for shape in SHAPES]
    (tmp_path / "data/emoji/groups.json").write_text(json.dumps(classes))
    (tmp_path / "picture.png").write_bytes(samples[0][1]["png"])
    training = code("In Python")
    assert len(training.splitlines()) <= 25
    # These lines go on where the example ends.
    training += code("Captions and labels together")
    training += (
        "model.objective = loss\nprint(model.batch_loss(next(iter(batches))))\n"
    )
    # The serving example names the demo's workdir.
    serving = code("Serving").replace("runs/emoji/saved_model", "saved_model")
    for script in (training, serving):
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stdout


def test_files_that_it_names_exist():
    prose = re.sub(r"```.*?```", "", README, flags=re.S)
    for path in re.findall(r"\]\(([^)#:]+)\)", prose):
        assert (ROOT / path).exists(), path
    for script in re.findall(r"python -m (experiments[\w.]*)", README):
        assert (ROOT / f"{script.replace('.', '/')}.py").exists(), script
