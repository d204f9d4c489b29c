"""The report of a run, one self-contained HTML page.

`results` is the dict that is stored as results.json. Every part is optional:

    {
      "run": {                      # all optional; further keys are shown too
        "name": "emoji", "description": "One plain sentence about the run.",
        "seed": 0, "steps": 1500, "epochs": 25, "pairs": 288000,
        "seconds": 576.0, "pairs_per_second": 500.0, "parameters": 1700000,
        "hardware": "2 CPU cores", "versions": {"keras": "3.15.1", ...},
      },
      "splits": {"style": "Seen items, drawn by a vendor never seen", ...},
                                    # titles of splits and zero-shot tasks
      "retrieval": {"style": <what `retrieval_metrics` returns>, ...},
      "zero_shot": {"novel/subgroups": <what `zero_shot_metrics` returns>, ...},
                                    # each with {"intervals": {"R@1": [low,
                                    # high], ...}} of 95 %, as far as known
      "probe": {"pets": {"knn": <what `evaluation.knn(...).summary()` returns>,
                         ...}, ...},
      "robustness": {"pets": {"corrupted": <what
                     `corruption_robustness(...).summary()` returns>}},
      "failed": {"zero-shot: novel": "Why it could not run.", ...},
      "augmentation_check": {"loss": 2.31, "loss_shuffled": 2.58, "n": 4096},
      "notes": ["Twemoji: CC-BY 4.0.", ...],   # licenses, sources; at the foot
    }

`history` is a list of rows as in history.jsonl and validation.jsonl. Every
key but "step" is optional:

    {"step": 10, "loss": 3.2, "learning_rate": 1e-3, "pairs_per_second": 480.0,
     "temperature/image-image": 0.07, "offset/image-image": 0.0,
     "temperature/image-text": 0.07, ...}
    {"step": 10, "validation/loss": 3.1, "validation/image_to_text_r1": 0.2,
     "validation/image_to_text_r5": 0.5, "validation/text_to_image_r1": 0.2,
     "validation/text_to_image_r5": 0.5}

`config` is a nested dict. `gallery` is a list of entries of `make_gallery`.
"""

from experiments.report.charts import history_charts
from experiments.report.page import write_page
from experiments.run.tasks import TASK_GROUPS
from uniclip_keras.errors import InputError

EMPTY = {"augmentation_check": None, "notes": []} | dict.fromkeys(
    ("run", "splits", *TASK_GROUPS, "failed"), {}
)


def write_report(path, results, history, config, gallery):
    """Writes the page to `path`, whose folder must exist.

    Raises:
        InputError: A gallery entry is malformed.
    """
    for entry in gallery:
        if "predictions" not in entry and "images" not in entry:
            raise InputError(
                f"A gallery entry has the keys {sorted(entry)}: give an image "
                "'predictions', or a text 'images'."
            )
    write_page(
        path,
        "training_report.html",
        results=EMPTY | results,
        charts=history_charts(history),
        config=config,
        gallery=gallery,
    )
