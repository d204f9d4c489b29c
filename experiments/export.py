"""Writes the SavedModel of a trained run.

    python -m experiments.export --workdir=runs/emoji [--saved_model=DIR] \
    [--checkpoint=best]

It goes into `saved_model` of the workdir by default.
"""

from absl import flags

from experiments.run import files
from experiments.run.checkpoint import CHECKPOINT
from experiments.run.checkpoint import SAVED_MODEL
from experiments.run.command import run
from experiments.run.workdir import WORKDIR
from experiments.run.workdir import load_run
from uniclip_keras.export import export_saved_model


def main(argv):
    del argv
    workdir = WORKDIR.value
    output_dir = SAVED_MODEL.value or files.join(workdir, "saved_model")
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
