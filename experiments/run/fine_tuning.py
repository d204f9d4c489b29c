"""A new run that begins with the weights of another one."""

from experiments.run import files
from experiments.run import workdir as workdirs
from experiments.run.changes import as_json
from uniclip_keras.errors import InputError
from uniclip_keras.training.freezing import PARTS

# The sections that decide the shapes of a model's parts.
_SECTIONS = ("image_size", "image_encoder", "text_encoder", "model")


class Start:
    """The weights and the tokenizer of a finished run.

    Attributes:
        workdir: Where the run is.
        step: Step of its best checkpoint, of its last if none is best.
        config, tokenizer, model: As that run had them.
    """

    def __init__(self, workdir):
        self.workdir = str(workdir)
        checkpoint = "best" if workdirs.has_best(workdir) else "last"
        self.config, self.tokenizer, self.model, self.step = workdirs.load_run(
            workdir, checkpoint
        )

    def record(self):
        """Returns what a workdir remembers of it."""
        return {"workdir": self.workdir, "step": self.step}

    def copy_weights(self, config, model):
        """Copies the weights into a model of another configuration.

        Temperatures and offsets are copied where both have the same.

        Raises:
            InputError: If towers or heads differ.
        """
        for name in PARTS:
            old, new = getattr(self.model, name), getattr(model, name)
            if _shapes(old) != _shapes(new):
                raise InputError(
                    f"--init_from={self.workdir}: its {name} has other weights "
                    f"than this configuration's ({self._differences(config)}); "
                    "give both the same towers and heads."
                )
            if new is not None:
                new.set_weights(old.get_weights())
        old, new = (m.objective.similarity for m in (self.model, model))
        if old.domains == new.domains and _shapes(old) == _shapes(new):
            new.set_weights(old.get_weights())

    def _differences(self, config):
        before, now = (
            workdirs.flatten({name: options[name] for name in _SECTIONS})
            for options in (as_json(self.config), as_json(config))
        )
        return "; ".join(
            f"{key} is {now.get(key)!r} and was {before.get(key)!r}"
            for key in sorted(set(before) | set(now))
            if before.get(key) != now.get(key)
        )


def resolve(workdir, init_from):
    """Returns the run that `workdir` begins or has begun from, or None.

    Raises:
        InputError: If the run in `workdir` has begun in another way.
    """
    recorded = files.read_json(files.join(workdir, workdirs.INIT_FILE))
    begun = files.exists(files.join(workdir, workdirs.CONFIG_FILE))
    before = recorded["workdir"] if begun and recorded else None
    if init_from is None or (begun and before == str(init_from)):
        return before
    if begun:
        how = f"with --init_from={before}" if before else "without --init_from"
        raise InputError(
            f"--init_from={init_from}: {workdir} holds a run that began {how}; "
            "leave the flag out to continue it, or give a new --workdir."
        )
    return str(init_from)


def load_start(workdir, init_from):
    """Loads the `Start` of a run that has no checkpoint yet, or None."""
    if init_from is None or workdirs.checkpoint_steps(workdir):
        return None
    return Start(init_from)


def _shapes(part):
    return part and [tuple(weight.shape) for weight in part.weights]
