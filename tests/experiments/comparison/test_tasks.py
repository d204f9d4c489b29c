"""Values, paired differences and what is best."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest

from experiments.comparison.runs import group_methods
from experiments.comparison.runs import read_runs
from experiments.comparison.tasks import compare
from experiments.evaluation import storage
from uniclip_keras.errors import InputError
from uniclip_keras.evaluation import Scores
from uniclip_keras.evaluation.seeds import compare_methods
from uniclip_keras.evaluation.seeds import variance_components
from uniclip_keras.evaluation.statistics import paired_difference


def compared(*paths):
    """Returns `{(task, way, metric): Measure}`, and the tasks."""
    tasks = compare(group_methods(read_runs(list(paths))))
    measures = {
        (task.name, task.way, measure.metric): measure
        for task in tasks
        for measure in task.measures
    }
    return measures, tasks


def scores_of(path, task, way, metric):
    return storage.read_scores(path, task)[way][1][metric]


def set_scores(path, metric, values, items=None):
    """Replaces what a metric of image to text gives the items of a run."""
    arrays = storage.read(path, "test")
    found = {"image_to_text": {metric: Scores(np.array(values))}}
    kept, _ = storage.read_scores(path, "test")["image_to_text"]
    arrays |= storage.pack_scores(
        "image_to_text",
        kept if items is None else items,
        found["image_to_text"],
    )
    storage.write(path, "test", arrays)
    results = pathlib.Path(path) / "results.json"
    written = json.loads(results.read_text())
    values = {metric: float(np.mean(values))}
    written["retrieval"]["test"]["image_to_text"] |= values
    results.write_text(json.dumps(written))


def test_single_runs_are_compared_item_by_item(write_run):
    paths = write_run("a", 0.3), write_run("b", 1.5, optimizer={"beta_1": 0.5})
    measures, tasks = compared(*paths)
    assert {(task.group, task.way) for task in tasks} == {
        ("retrieval", "image_to_text"),
        ("retrieval", "text_to_image"),
        ("zero_shot", "zero_shot"),
    }
    assert tasks[0].title == "The test set" and tasks[0].notes == []
    for place, measure in measures.items():
        first, second = (scores_of(path, *place) for path in paths)
        assert measure.values["a"].value == pytest.approx(first.value())
        assert list(measure.differences) == ["b"]
        paired = measure.differences["b"]
        expected = paired_difference(second, first)
        np.testing.assert_allclose(
            [paired.found.value, *paired.found.interval, paired.found.p_value],
            [expected.value, *expected.interval, expected.p_value],
            atol=1e-11,
        )
        assert (paired.items, paired.dropped) == (9, 0)
        assert not paired.with_seeds
        low, high = paired.found.interval
        assert (measure.best is not None) == (not low <= 0 <= high)


def test_seeds_are_runs_of_a_method(write_run):
    ours = [write_run(f"a_seed{i}", 0.4, seed=i) for i in range(3)]
    change = {"optimizer": {"beta_1": 0.5}}
    theirs = [write_run(f"b{i}", 1.0, seed=i, **change) for i in (3, 4)]
    measures, _ = compared(*ours, *theirs)
    place = "test", "image_to_text", "mAP"
    found = measures[place]
    first, second = (
        [scores_of(path, *place) for path in paths] for paths in (ours, theirs)
    )
    assert list(found.values) == ["a", "b"]
    components = variance_components(first)
    assert found.values["a"].components == components
    assert found.values["a"].value == pytest.approx(components.value)
    assert list(found.values["a"].by_run) == ["a_seed0", "a_seed1", "a_seed2"]
    paired = found.differences["b"]
    assert paired.with_seeds
    expected = compare_methods(second, first)
    assert paired.found.value == pytest.approx(expected.value)
    assert paired.found.interval == pytest.approx(expected.interval)
    # A single run less the mean of three: items alone make the error.
    found = compared(*ours, theirs[0])[0][place].differences["b3"]
    mean = np.mean([scores.values for scores in first], axis=0)
    mean = dataclasses.replace(first[0], values=mean)
    assert not found.with_seeds
    expected = paired_difference(second[0], mean)
    assert found.found.interval == pytest.approx(expected.interval)


def test_best_is_only_what_is_clearly_better_than_every_other(write_run):
    change = {"optimizer": {"beta_1": 0.5}}
    paths = [write_run("a"), write_run("b", **change), write_run("c", steps=5)]
    high, low = np.linspace(0.7, 0.9, 9), np.linspace(0.1, 0.2, 9)
    place = "test", "image_to_text"
    for metric in ("R@1", "median_rank"):
        for path, values in zip(paths, (low, high, low), strict=True):
            set_scores(path, metric, values)
    measures, _ = compared(*paths)
    assert measures[*place, "R@1"].best == "b"
    # The lowest rank is the best, and two runs have it.
    assert measures[*place, "median_rank"].best is None
    measures, _ = compared(*paths[:2])
    assert measures[*place, "median_rank"].best == "a"


def test_equal_means_differ_by_nothing(write_run):
    """Sums of thirds and halves are not taken for a difference."""
    ours = [write_run(f"a{i}", seed=i) for i in range(3)]
    change = {"optimizer": {"beta_1": 0.5}}
    theirs = [write_run(f"b{i}", seed=i, **change) for i in (3, 4)]
    for path in ours + theirs:
        set_scores(path, "R@1", np.full(9, 0.1))
    measure = compared(*ours, *theirs)[0]["test", "image_to_text", "R@1"]
    found = measure.differences["b"].found
    assert (found.value, found.interval, found.p_value) == (0, (0, 0), 1)
    assert measure.best is None


def test_items_that_differ(write_run):
    paths = write_run("a"), write_run("b", items=7, steps=5)
    measures, _ = compared(*paths)
    place = "test", "image_to_text", "mAP"
    paired = measures[place].differences["b"]
    assert (paired.items, paired.dropped) == (7, 2)
    first, second = (scores_of(path, *place).values for path in paths)
    expected = (second - first[:7]).mean()
    assert paired.found.value == pytest.approx(expected)


def test_unlike_numbers_of_answers_are_noted(write_run):
    paths = write_run("a"), write_run("b", items=7, steps=5)
    tasks = {task.way: task for task in compared(*paths)[1]}
    left_out = "b is compared on the 7 items in common; 2 are left out."
    assert tasks["image_to_text"].notes == [left_out]
    note, second = tasks["text_to_image"].notes
    assert "unlike numbers of answers (7, 9)" in note and second == left_out


def test_reasons_for_no_difference(write_run):
    paths = write_run("a"), write_run("b", steps=5), write_run("c", steps=6)
    storage.write(paths[1], "test", {})
    items = [f"other {i}" for i in range(9)]
    set_scores(paths[2], "R@1", np.ones(9), items)
    measures, tasks = compared(*paths)
    measure = measures["test", "image_to_text", "R@1"]
    paired = measure.differences["b"]
    assert paired.found is None and not paired.is_clear
    assert paired.reason == (
        "No values of single items are kept of b; evaluate again."
    )
    assert f"b cannot be compared: {paired.reason}" in tasks[0].notes
    assert "no item in common" in measure.differences["c"].reason
    assert measure.best is None


def test_tasks_that_do_not_overlap(write_run):
    paths = (
        write_run("a"),
        write_run("b", task="novel"),
        write_run("c", steps=5),
    )
    with pytest.raises(InputError, match="a has test, test/zero; b has novel"):
        compared(*paths[:2])
    # One that overlaps is enough.
    measures, tasks = compared(*paths)
    assert [task.name for task in tasks].count("novel") == 2
    assert set(measures["test", "image_to_text", "R@1"].values) == {"a", "c"}
    novel = measures["novel", "image_to_text", "R@1"]
    assert list(novel.values) == ["b"] and novel.differences == {}
