"""Loading checkpoints: the latest good one, the best one, or one of a step."""

import tensorflow as tf

from uniclip_keras.errors import InputError
from uniclip_keras.training import checkpoint_folders as folders


def restore_model(model, directory, checkpoint="last"):
    """Loads the weights of a checkpoint into a model.

    They are their averages where the run has kept some (`ema_momentum`).
    The model need not be compiled, and `directory` is that of `Checkpoints`.

    Args:
        model: A `UniCLIP`.
        directory: str. Directory of the checkpoints.
        checkpoint: "last" (good one), "best", or the int of a step.

    Returns:
        int, the step of the checkpoint.

    Raises:
        InputError: If there is no such checkpoint, it is damaged, or it is of
            another model.
    """
    directory = str(directory)
    state = tf.train.Checkpoint(weights=model_state(model))
    found = folders.steps(directory)
    if not found:
        raise InputError(
            f"no checkpoint in {directory}; train first, or give the workdir "
            "of a run that has saved one."
        )
    if checkpoint == "last":
        step = load_last(state, directory)["step"]
        _take_averages(model, directory, step)
        return step
    step = _best_step(directory, found) if checkpoint == "best" else checkpoint
    if step not in found:
        raise InputError(
            f"{directory} has no checkpoint {checkpoint!r}; choose from "
            f"{['last', *found]}."
        )
    try:
        _load(state, directory, step)
        _take_averages(model, directory, step)
    except folders.DamagedCheckpoint as error:
        raise InputError(
            f"the checkpoint {folders.path(directory, step)} is damaged "
            f"({error}); choose another one of {['last', *found]}."
        ) from error
    return step


def _take_averages(model, directory, step):
    """Loads the averages of a checkpoint into the weights, if it has some."""
    path = f"{folders.path(directory, step)}/{folders.STATE}"
    reader = tf.compat.v1.train.NewCheckpointReader(path)
    shapes = reader.get_variable_to_shape_map()
    if any(name.startswith("averages/") for name in shapes):
        state = tf.train.Checkpoint(
            averages=[v.value for v in model.trainable_variables]
        )
        _check_shapes(state, shapes, path)
        state.read(path).expect_partial()


def _best_step(directory, steps):
    best = None
    for step in steps:
        try:
            metrics = folders.read(directory, step).get("metrics", {})
        except folders.DamagedCheckpoint:
            continue
        for name, value in metrics.items():
            if best is None or name != best[1] or better(name, value, best[2]):
                best = step, name, value
    return best and best[0]


def better(name, value, other):
    return value < other if name.endswith("loss") else value > other


def model_state(model):
    """Returns weights and states of random generators, without metrics."""
    metrics = {id(variable) for variable in model.metrics_variables}
    # By index, not by object: TensorFlow does not track Keras layers in a
    # Python list, and would silently leave them out.
    return [v.value for v in model.variables if id(v) not in metrics]


def load_last(checkpoint, directory):
    """Loads the latest good checkpoint; returns its `complete.json` or None."""
    damaged = []
    for step in reversed(folders.steps(directory)):
        try:
            return _load(checkpoint, directory, step)
        except folders.DamagedCheckpoint as error:
            damaged.append(f"{folders.path(directory, step)}: {error}")
            print(
                f"WARNING: the checkpoint {damaged[-1]}: it is damaged, "
                "trying the one before.",
                flush=True,
            )
    if damaged:
        raise InputError(
            f"all checkpoints in {directory} are damaged ({damaged[0]}): "
            "bring one back from a copy, or remove them to begin from step 0."
        )
    return None


def _load(checkpoint, directory, step):
    """Loads one checkpoint and returns its `complete.json`."""
    about = folders.read(directory, step)
    path = f"{folders.path(directory, step)}/{folders.STATE}"
    try:
        # `tf.train.load_checkpoint` does not find the files of `ram://`.
        reader = tf.compat.v1.train.NewCheckpointReader(path)
        shapes = reader.get_variable_to_shape_map()
    except Exception as error:
        # TensorFlow raises many kinds for files that are not what they were.
        raise folders.DamagedCheckpoint(folders.reason(error)) from error
    _check_shapes(checkpoint, shapes, path)
    try:
        # A model alone leaves the optimizer's part of the file unused.
        checkpoint.read(path).expect_partial()
    except Exception as error:
        raise folders.DamagedCheckpoint(folders.reason(error)) from error
    return about


def _check_shapes(checkpoint, shapes, path):
    """Raises `InputError` unless a file holds exactly these variables."""
    suffix = "/.ATTRIBUTES/VARIABLE_VALUE"
    for group in ("weights", "optimizer", "averages", "counts", "recent_loss"):
        variables = getattr(checkpoint, group, None)
        if variables is None:
            continue
        own = [tuple(variable.shape) for variable in variables]
        count = sum(name.startswith(f"{group}/") for name in shapes)
        keys = [f"{group}/{index}{suffix}" for index in range(count)]
        saved = [tuple(shapes.get(key, ())) for key in keys]
        if saved == own:
            continue
        reason = f"it has {count} {group}, the model {len(own)}"
        if count == len(own):
            differ = [a != b for a, b in zip(saved, own, strict=True)]
            index = differ.index(True)
            reason = (
                f"{group} {index} has shape {saved[index]}, in the model "
                f"{own[index]}"
            )
        raise InputError(
            f"the checkpoint {path} is of another model ({reason}); use the "
            "configuration and the vocabulary that it was trained with."
        )
