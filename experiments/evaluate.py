"""Measures a trained model: zero-shot classes, retrieval, augmentations.

    python -m experiments.evaluate --workdir=runs/emoji [--checkpoint=best]

Writes results.json and report.html into the workdir and prints the table.
What is measured is `config.evaluation` of the run, or another set:

    --evaluation=experiments/configs/evaluation/imagenet.py
    --images=folders:imagenet/val --classes=imagenet/classes.json

`--saved_model=DIR --output_dir=DIR` evaluates an exported model in place of a
checkpoint. Started again, it takes the embeddings that it finds in the folder
`evaluation` beside results.json. A part that cannot run says why and costs no
other one; the exit status is then 2.
"""

from absl import flags
from ml_collections import config_flags

from experiments.evaluation.embedding import TaskEmbedder
from experiments.evaluation.results import Results
from experiments.evaluation.sets import one_set
from experiments.evaluation.sets import with_sets
from experiments.evaluation.subject import load_checkpoint
from experiments.evaluation.subject import load_saved_model
from experiments.evaluation.tasks import run_task
from experiments.report.results_table import format_table
from experiments.report.training_report import write_report
from experiments.run import data
from experiments.run import files
from experiments.run.checkpoint import CHECKPOINT
from experiments.run.command import run
from experiments.run.workdir import INDEX
from experiments.run.workdir import WORKDIR
from uniclip_keras import evaluation
from uniclip_keras.errors import InputError


def main(argv):
    del argv
    options = flags.FLAGS
    if options.saved_model:
        subject = load_saved_model(options.saved_model)
    elif WORKDIR.value:
        subject = load_checkpoint(WORKDIR.value, CHECKPOINT.value)
    else:
        raise InputError("Give --workdir of a run, or --saved_model.")
    folder = options.output_dir or WORKDIR.value
    if options.saved_model and not options.output_dir:
        raise InputError("Give --output_dir, where results of a SavedModel go.")
    sets = options.evaluation
    if options.images:
        sets = one_set(
            options.images,
            options.task,
            options.prompts,
            classes=options.classes,
            label_field=options.label_field,
            group_field=options.group_field,
        )
    with_parquet = options.embeddings == "parquet"
    results = evaluate_subject(
        subject, folder, sets, options.batch_size, with_parquet
    )
    results.check()


def evaluate(workdir, checkpoint="last"):
    """Measures and returns what `config.evaluation` of a run names.

    `checkpoint` is "last", "best" or a step.
    """
    subject = load_checkpoint(workdir, checkpoint)
    return evaluate_subject(subject, workdir).values


def evaluate_subject(
    subject, folder, sets=None, batch_size=64, with_parquet=False
):
    """Measures a model and writes what it finds into a folder.

    Args:
        subject: A `Subject`.
        folder: Folder of results.json and report.html.
        sets: A section like `config.evaluation`, in place of the run's own,
            which also checks the use of the augmentations.
        batch_size: int. Images of the batch of all replicas.
        with_parquet: bool. Whether to write embeddings as tables, too.

    Returns:
        The `Results`.
    """
    config = with_sets(subject.config, sets)
    files.check_writable(folder)
    embedder = TaskEmbedder(subject, config, folder, batch_size)
    results, gallery, tasks = Results(folder, subject.about), [], []
    results.add_sets(config.evaluation)
    headline = config.evaluation.headline
    for group in ("retrieval", "zero_shot"):
        # The task that the report leads with comes first.
        names = sorted(config.evaluation[group], key=lambda n: n != headline)
        tasks += [(group, name) for name in names]
    for group, name in tasks:
        task, show = config.evaluation[group][name], None
        with results.part(f"{group.replace('_', '-')}: {name}", group, name):
            results.values[group][name], show = run_task(
                group, name, task, embedder, folder, with_parquet
            )
        if show is not None and group == "retrieval":
            with results.part(f"examples: {name}"):
                gallery += show()
    if sets is None:
        with results.part("augmentation check", "augmentation_check"):
            _check_augmentations(subject, folder, results.values)
    results.values["run"]["skipped samples"] = embedder.bad_samples.skipped
    results.write()
    page = files.join(folder, "report.html")
    settings = config.to_dict()
    write_report(page, results.values, subject.history, settings, gallery)
    print(embedder.bad_samples.summary())
    print(format_table(results.values))
    print(f"report: {page}")
    return results


def _check_augmentations(subject, folder, values):
    """Adds how much the model uses the augmentation vectors, if it does."""
    config = subject.config
    if getattr(subject.model, "augmentation_encoder", None) is None:
        return
    source = data.build_source(config)
    source.prepare(folder=files.join(folder, INDEX))
    # Views and batches that the training has not drawn.
    make = data.dataset_maker(
        config, source, subject.tokenizer, seed=config.seed + 1
    )
    values["augmentation_check"] = evaluation.augmentation_check(
        subject.model, make(config.batch_size).take(8)
    )


def define_flags():
    """Defines the flags, except those of the workdir and its checkpoint."""
    config_flags.DEFINE_config_file(
        "evaluation", None, "File of the sets to evaluate, for the run's own."
    )
    flags.DEFINE_string("images", None, "One set, as in folders:imagenet/val.")
    flags.DEFINE_string("classes", None, "Class list of --images.")
    flags.DEFINE_string("label_field", None, "Field of the label of --images.")
    flags.DEFINE_string("group_field", None, "Field of its groups, if any.")
    flags.DEFINE_string("prompts", "photo", "Prompt templates for --images.")
    flags.DEFINE_enum(
        "task", "zero_shot", ("zero_shot", "retrieval"), "Task of --images."
    )
    flags.DEFINE_string("saved_model", None, "An exported model to evaluate.")
    flags.DEFINE_string(
        "output_dir", None, "Folder of the results; the workdir by default."
    )
    flags.DEFINE_integer("batch_size", 64, "Images embedded at a time.")
    flags.DEFINE_enum(
        "embeddings", "npz", ("npz", "parquet"), "Write tables, too: parquet."
    )


if __name__ == "__main__":
    define_flags()
    run(main)
