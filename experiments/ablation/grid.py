"""A grid: named configurations, each to be trained with several seeds."""

import dataclasses
import pathlib

from ml_collections import ConfigDict

from experiments.run import checking
from experiments.run import files
from experiments.run.workdir import HISTORY
from uniclip_keras.errors import InputError
from uniclip_keras.errors import suggest
from uniclip_keras.training import read_history


def grid(runs, evaluation, seeds=(0, 1, 2)):
    """Makes a grid, which a grid file returns from `get_config`.

    Args:
        runs: Dict name -> configuration. The first is the baseline.
        evaluation: A section like `config.evaluation`, for all runs. As long
            as choices are made, it names validation data alone.
        seeds: Seeds of each run.
    """
    found = ConfigDict({"seeds": tuple(seeds), "evaluation": evaluation})
    # Names may hold a dot, as in "lr 0.5", and keys of a ConfigDict may not.
    found.runs = tuple(runs.items())
    return found.lock()


def vary(config, changes):
    """Returns a copy of a configuration with some options changed.

    Args:
        config: The configuration.
        changes: Dict such as `{"optimizer.learning_rate": 1e-3}`.

    Raises:
        InputError: If there is no such option.
    """
    config = config.copy_and_resolve_references()
    with config.unlocked(), config.ignore_type():
        for name, value in changes.items():
            *path, last = name.split(".")
            section = config
            for key in path:
                section = section.get(key, {})
            if last not in section:
                raise InputError(
                    f"There is no option {name!r} to vary"
                    f"{suggest(last, section)}."
                )
            section[last] = value
    return config


@dataclasses.dataclass(frozen=True)
class GridRun:
    """A run of a grid.

    Attributes:
        name: str. Its name and its seed, as in "clip/seed_0".
        workdir: str.
        config: The configuration, with the seed and the grid's evaluation.
    """

    name: str
    workdir: str
    config: object

    @property
    def images(self):
        """Images that the whole training embeds."""
        return self.config.steps * self._images_per_step

    def history(self):
        """Returns the rows of what the run has reported so far."""
        return read_history(files.join(self.workdir, HISTORY))

    def steps_done(self):
        """Returns the last step that the run has reported."""
        rows = self.history()
        return rows[-1]["step"] if rows else 0

    def images_done(self):
        """Returns the images embedded up to that step."""
        return self.steps_done() * self._images_per_step

    @property
    def _images_per_step(self):
        return self.config.batch_size * len(self.config.data.views)


def runs_of(grid, folder):
    """Returns the `GridRun`s of a grid: all with the first seed, and so on.

    Whatever is finished can then be compared.

    Raises:
        InputError: If the grid has no run or no seed, or a configuration is
            not usable.
    """
    if not grid.runs or not grid.seeds:
        raise InputError(
            f"the grid has {len(grid.runs)} runs and {len(grid.seeds)} seeds; "
            "name at least one of each."
        )
    runs = []
    for seed in grid.seeds:
        for name, config in grid.runs:
            evaluation = vary(
                grid.evaluation,
                {"fit": grid.evaluation.fit or config.evaluation.fit},
            )
            changes = {"seed": seed, "name": name, "evaluation": evaluation}
            config = vary(config, changes)
            try:
                checking.check_config(config)
            except InputError as error:
                raise InputError(f"run {name!r} of the grid: {error}") from None
            name_and_seed = f"{name}/seed_{seed}"
            workdir = str(pathlib.Path(folder, name_and_seed))
            runs.append(GridRun(name_and_seed, workdir, config))
    return runs
