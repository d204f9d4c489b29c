"""Configurations of earlier versions."""

import json

from tiny_corpus import make_config

from experiments.run.changes import as_json
from experiments.run.changes import find_changes
from experiments.run.earlier import complete
from experiments.run.workdir import load_run


def test_options_that_came_later_are_added(corpus):
    config = as_json(make_config(corpus))
    assert complete(config) == config
    old = json.loads(json.dumps(config))
    del old["data"]["views_dtype"], old["data"]["max_bad_share"]
    del old["validation"], old["steps_per_execution"]
    old["data"]["cache"] = True
    # Options of a kind are left to that kind.
    del old["objective"]["include_self"]
    found = complete(old)
    assert found["data"]["views_dtype"] == "float32"
    assert found["data"]["max_bad_share"] == 1.0
    assert found["validation"]["every"] == 0
    assert found["steps_per_execution"] == 1
    assert "include_self" not in found["objective"]
    assert found["data"]["train"] == config["data"]["train"]
    assert "views_dtype" not in old["data"]


def test_a_workdir_of_an_earlier_version_loads(copied):
    config, workdir = copied
    path = workdir / "config.json"
    old = json.loads(path.read_text())
    del old["data"]["views_dtype"], old["steps_per_execution"]
    path.write_text(json.dumps(old))
    read, _, _, step = load_run(workdir)
    assert step == 4 and read.data.views_dtype == "float32"
    assert find_changes(workdir, config) == []
