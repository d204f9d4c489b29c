"""What comparisons need of runs, in little space: no weights, no embeddings."""

from experiments.comparison.runs import normal_path
from experiments.evaluation import storage
from experiments.evaluation.results import RESULTS
from experiments.run import files
from experiments.run.workdir import CONFIG_FILE
from experiments.run.workdir import HISTORY
from experiments.run.workdir import INIT_FILE
from experiments.run.workdir import VALIDATION
from uniclip_keras.errors import InputError

_FILES = (RESULTS, CONFIG_FILE, INIT_FILE, HISTORY, VALIDATION)
# By these, `--names` finds the items of a name.
_NAMES = (
    "images/keys",
    "images/labels",
    "candidates/labels",
    "candidates/texts",
)


def keep(runs, folder):
    """Writes what comparisons need of each run into a folder of its label.

    Args:
        runs: List of `Run`.
        folder: str.

    Raises:
        InputError: If that is where the runs are: their embeddings would go.
    """
    kept_in = {run: files.join(folder, run.label) for run in runs}
    for run, kept in kept_in.items():
        if normal_path(kept) == run.workdir:
            raise InputError(
                f"--keep={folder} would replace {run.workdir}, which holds "
                "more than comparisons need; give another folder."
            )
    for run, kept in kept_in.items():
        for name in _FILES:
            content = files.read_bytes(files.join(run.workdir, name))
            if content is not None:
                files.write_bytes(files.join(kept, name), content)
        for task in dict.fromkeys(task for _, task, _ in run.measured()):
            arrays = {
                name: array
                for name, array in storage.read(run.workdir, task).items()
                if name in _NAMES or name.startswith("scores/")
            }
            if arrays:
                storage.write(kept, task, arrays, compressed=True)
