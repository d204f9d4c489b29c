"""Measures a trained model: zero-shot classes, retrieval, augmentations.

    python -m experiments.evaluate --workdir=runs/emoji [--checkpoint=best]

Writes results.json and report.html into the workdir and prints the table.
What is measured is `config.evaluation` of the run, or another set:

    --evaluation=experiments/configs/evaluation/imagenet.py
    --images=folders:imagenet/val --classes=imagenet/classes.json

`--saved_model=DIR --results_dir=DIR` evaluates an exported model in place of a
checkpoint. Started again, it takes the embeddings that it finds in the folder
`evaluation` beside results.json. A part that cannot run says why and costs no
other one; the exit status is then 2.
"""

from absl import flags

from experiments.evaluation.embedding import TaskEmbedder
from experiments.evaluation.results import Results
from experiments.evaluation.sets import given_sets
from experiments.evaluation.sets import with_sets
from experiments.evaluation.subject import load_checkpoint
from experiments.evaluation.subject import load_saved_model
from experiments.evaluation.tasks import TaskRunner
from experiments.report.results_table import format_table
from experiments.report.training_report import write_report
from experiments.run import data
from experiments.run import files
from experiments.run.checkpoint import CHECKPOINT
from experiments.run.checkpoint import SAVED_MODEL
from experiments.run.command import run
from experiments.run.tasks import TASK_GROUPS
from experiments.run.workdir import INDEX
from experiments.run.workdir import WORKDIR
from uniclip_keras import evaluation
from uniclip_keras.errors import InputError

_RESULTS_DIR = flags.DEFINE_string(
    "results_dir", None, "Folder of the results; the workdir by default."
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 64, "Images embedded at a time, by all devices together."
)
_EMBEDDINGS = flags.DEFINE_enum(
    "embeddings", "npz", ("npz", "parquet"), "Write tables, too: parquet."
)
_FEATURES = flags.DEFINE_bool(
    "features", False, "Keep the image features before the head, to probe."
)


def main(argv):
    del argv
    folder = _RESULTS_DIR.value or WORKDIR.value
    if SAVED_MODEL.value:
        if not folder:
            raise InputError(
                "--saved_model has no workdir for its results: give "
                "--results_dir."
            )
        subject = load_saved_model(SAVED_MODEL.value)
    elif WORKDIR.value:
        subject = load_checkpoint(WORKDIR.value, CHECKPOINT.value)
    else:
        raise InputError(
            "There is no model to evaluate: give --workdir of a run, or "
            "--saved_model."
        )
    results = evaluate_subject(
        subject,
        folder,
        given_sets(),
        _BATCH_SIZE.value,
        _FEATURES.value,
        with_parquet=_EMBEDDINGS.value == "parquet",
    )
    results.check()


def evaluate(workdir, checkpoint="last"):
    """Measures and returns what `config.evaluation` of a run names.

    `checkpoint` is "last", "best" or a step.
    """
    subject = load_checkpoint(workdir, checkpoint)
    return evaluate_subject(subject, workdir).values


def evaluate_subject(
    subject,
    folder,
    sets=None,
    batch_size=64,
    with_features=False,
    with_parquet=False,
):
    """Measures a model and writes what it finds into a folder.

    Args:
        subject: A `Subject`.
        folder: Folder of results.json and report.html.
        sets: A section like `config.evaluation`, in place of the run's own,
            which also checks the use of the augmentations.
        batch_size: int. Images of the batch of all replicas.
        with_features: bool. Whether to keep the features before the head.
        with_parquet: bool. Whether to write embeddings as tables, too.

    Returns:
        The `Results`.
    """
    config = with_sets(subject.config, sets)
    files.check_writable(folder)
    # Probes learn from features, which a SavedModel does not give.
    has_features = hasattr(subject.model, "image_encoder")
    with_features |= has_features and bool(config.evaluation.probe)
    embedder = TaskEmbedder(subject, config, folder, batch_size, with_features)
    runner = TaskRunner(
        embedder, subject.model, folder, with_parquet, config.seed
    )
    results, gallery, tasks = Results(folder, subject.about), [], []
    results.add_sets(config.evaluation)
    headline = config.evaluation.headline
    for group in TASK_GROUPS:
        # The task that the report leads with comes first.
        names = sorted(config.evaluation[group], key=lambda n: n != headline)
        tasks += [(group, name) for name in names]
    for group, name in tasks:
        task, show = config.evaluation[group][name], None
        with results.part(f"{group.replace('_', '-')}: {name}", group, name):
            results.values[group][name], show = runner.run(group, name, task)
        if show is not None:
            with results.part(f"examples: {name}"):
                gallery += show()
    if sets is None:
        with results.part("augmentation check", "augmentation_check"):
            _check_augmentations(subject, folder, results.values)
    results.values["run"]["skipped samples"] = embedder.skipped
    results.write()
    page = files.join(folder, "report.html")
    write_report(
        page, results.values, subject.history, subject.settings, gallery
    )
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


if __name__ == "__main__":
    run(main)
