"""results.json: written when each part ends, whatever the others do."""

import contextlib
import json

import tensorflow as tf

from experiments.run import files
from experiments.run.tasks import TASK_GROUPS
from uniclip_keras.errors import InputError
from uniclip_keras.errors import input_error_in

RESULTS = "results.json"


class Results:
    """The results of a model, in a file.

    What the file holds already of the same weights stays there, so sets may
    be evaluated one after another. `values` are described in
    `experiments.report.training_report`.

    Args:
        folder: Folder of the file.
        about: Dict that describes the model.
    """

    def __init__(self, folder, about):
        self._path = files.join(folder, RESULTS)
        self._failed = {}
        before = files.read_json(self._path) or {}
        if before.get("run", {}).get("weights") != about["weights"]:
            before = {}
        empty = {name: {} for name in ("splits", *TASK_GROUPS, "failed")}
        empty["notes"] = []
        self.values = empty | before | {"run": dict(about)}

    def add_sets(self, section):
        """Adds the titles and the notes of an evaluation section."""
        for group in TASK_GROUPS:
            for name, task in section[group].items():
                self.values["splits"][name] = task.title
        for note in section.notes:
            if note not in self.values["notes"]:
                self.values["notes"].append(note)

    @contextlib.contextmanager
    def part(self, name, *place):
        """Runs a part, and writes what is there when it ends.

        A part that cannot run says why in "failed" and on the screen, and
        loses its former result, which is at `place`.
        """
        print(name, flush=True)
        self.values["failed"].pop(name, None)
        try:
            yield
        except (InputError, OSError, tf.errors.OpError) as error:
            reason = str(input_error_in(error) or error)
            print(f"{name} could not run: {reason}", flush=True)
            self.values["failed"][name] = self._failed[name] = reason
            values = self.values
            for key in place[:-1]:
                values = values[key]
            values.pop(place[-1] if place else None, None)
        self.write()

    def write(self):
        """Writes the file; a reader never sees half of it."""
        text = json.dumps(self.values, indent=2, ensure_ascii=False)
        files.write_text(self._path, text + "\n")

    def check(self):
        """Raises `InputError` if a part that was run now could not."""
        if self._failed:
            many = len(self._failed)
            count = f"{many} part{'s' if many > 1 else ''}"
            reasons = "; ".join(
                f"{name}: {why}" for name, why in self._failed.items()
            )
            raise InputError(
                f"{count} of the evaluation could not run, the rest is in "
                f"{self._path} ({reasons})"
            )
