"""`compare`: the table, the page, and mistakes."""

import json
import re

import pytest

from experiments import compare as command
from experiments.evaluate import evaluate_subject
from experiments.evaluation.subject import load_checkpoint


def test_what_an_evaluation_has_written(copied, tmp_path, run_command):
    _, workdir = copied
    subject = load_checkpoint(workdir)
    evaluate_subject(subject, workdir, subject.config.evaluation)
    output = tmp_path / "pages/compare.html"
    # Flags may follow the workdirs.
    arguments = [str(workdir), f"--output={output}", "--map_task=test/groups"]
    status, stdout, stderr = run_command(command, *arguments, arguments=True)
    assert not status, stderr
    assert re.search(r"test, image to text +R@1 +copy +\d", stdout)
    assert stdout.splitlines()[-1] == f"page: {output}"
    page = output.read_text()
    assert "1 run of 1 method on 2 tasks" in " ".join(page.split())
    # Nothing to subtract, and no seeds.
    assert 'id="differences"' not in page and 'id="seeds"' not in page
    points = json.loads(
        re.search(r'id="points">(.*?)</script>', page, re.DOTALL)[1]
    )
    assert [p["kind"] for p in points] == ["image"] * 9 + ["text"] * 3
    assert all(p["picture"] for p in points[:9])
    assert {len(p["partners"]) for p in points[9:]} == {3}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to compare"),
        (["gone"], "gone holds no results.json"),
    ],
)
def test_nothing_to_compare(arguments, words, run_command):
    status, _, stderr = run_command(command, *arguments, arguments=True)
    assert status == 2 and words in stderr


def test_a_map_of_another_run(tmp_path, run_command):
    results = {"zero_shot": {"x": {"top1": 0.5, "chance": {"top1": 0.1}}}}
    (tmp_path / "results.json").write_text(json.dumps(results))
    status, _, stderr = run_command(
        command, str(tmp_path), "--map_run=other", arguments=True
    )
    assert status == 2
    assert (
        f"--map_run=other is none of the workdirs; choose from {tmp_path}"
        in stderr
    )


def test_a_picture_of_a_single_run(tmp_path, run_command):
    results = {"zero_shot": {"x": {"top1": 0.5, "chance": {"top1": 0.1}}}}
    (tmp_path / "results.json").write_text(json.dumps(results))
    status, _, stderr = run_command(
        command, str(tmp_path), "--picture=a.png", arguments=True
    )
    assert status == 2 and "--picture shows differences" in stderr
