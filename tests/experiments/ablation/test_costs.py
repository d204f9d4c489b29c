"""Pilots: short runs that show what a step costs."""

import json
import pathlib

from experiments.ablation import costs
from experiments.ablation.grid import grid
from experiments.ablation.grid import runs_of
from experiments.configs import emoji
from experiments.configs.evaluation import emoji_validation


def test_pilots_and_their_table(tmp_path):
    configs = {"dear": emoji.get_config(), "cheap": emoji.get_config("clip")}
    evaluation = emoji_validation.get_config()
    runs = runs_of(grid(configs, evaluation, seeds=(4, 5)), tmp_path)
    pilots = costs.pilots(runs, tmp_path, 16)
    assert [p.name for p in pilots] == ["dear/seed_4", "cheap/seed_4"]
    for pilot, cost in zip(pilots, (0.5, 0.25), strict=True):
        config = pilot.config
        assert (config.steps, config.log_every) == (16, 2)
        assert config.validation.every == 0
        folder = pathlib.Path(pilot.workdir)
        assert folder.parent.parent == tmp_path / "pilot"
        folder.mkdir(parents=True)
        # The first report holds the start.
        rows = [
            {"step": step, "processor_seconds": 30 + cost * step}
            for step in range(2, 17, 2)
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / "history.jsonl").write_text(lines)
    head, _, dear, cheap = costs.format_costs(pilots, 900).splitlines()
    assert head.split()[:2] == ["run", "processor"]
    assert dear.split() == ["dear/seed_4", "0.500", "1.00", "900"]
    assert cheap.split() == ["cheap/seed_4", "0.250", "0.50", "1,800"]


def test_a_pilot_that_failed_is_left_out(tmp_path):
    evaluation = emoji_validation.get_config()
    runs = runs_of(grid({"one": emoji.get_config()}, evaluation), tmp_path)
    table = costs.format_costs(costs.pilots(runs, tmp_path, 16), 900)
    assert "one" not in table
