"""The flag of the commands that load a checkpoint of a run."""

from absl import flags

CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "last", "Checkpoint of the run: last, best or its step."
)
