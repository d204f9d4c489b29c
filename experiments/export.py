"""Writes the SavedModel of a trained run.

    python -m experiments.export --workdir=runs/emoji [--saved_model=DIR] \
    [--checkpoint=best]
"""

from absl import flags

from experiments.run import files
from experiments.run.checkpoint import CHECKPOINT
from experiments.run.command import run
from experiments.run.workdir import WORKDIR
from experiments.run.workdir import load_run
from uniclip_keras.export import export_saved_model

_SAVED_MODEL = flags.DEFINE_string(
    "saved_model", None, "New directory; saved_model in the workdir by default."
)


def main(argv):
    del argv
    workdir = WORKDIR.value
    output_dir = _SAVED_MODEL.value or files.join(workdir, "saved_model")
    config, tokenizer, model, step = load_run(workdir, CHECKPOINT.value)
    export_saved_model(
        model,
        tokenizer,
        config.image_size,
        output_dir,
        fit=config.evaluation.fit,
    )
    print(f"SavedModel of step {step}: {output_dir}")


if __name__ == "__main__":
    flags.mark_flags_as_required(["workdir"])
    run(main)
