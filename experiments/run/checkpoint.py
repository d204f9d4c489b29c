"""The flags of the commands that load a checkpoint or know a SavedModel."""

from absl import flags

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "last", "Checkpoint of the run: last, best or its step."
)
SAVED_MODEL = flags.DEFINE_string(
    "saved_model", None, "Directory of a SavedModel: to write, or to evaluate."
)
