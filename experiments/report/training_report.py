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
      "retrieval": {"style": <what `retrieval` returns>, ...},
      "zero_shot": {"novel/subgroups": <what `classify` returns>, ...},
      "augmentation_check": {"loss": 2.31, "loss_shuffled": 2.58, "n": 4096},
      "notes": ["Twemoji: CC-BY 4.0.", ...],   # licenses, sources; at the foot
    }

`history` is a list of rows as in history.jsonl. Every key but "step" is
optional:

    {"step": 10, "loss": 3.2, "learning_rate": 1e-3, "pairs_per_second": 480.0,
     "temperature/image-image": 0.07, "offset/image-image": 0.0,
     "temperature/image-text": 0.07, ...}

`config` is a nested dict. `gallery` is a list of entries of `make_gallery`.
"""

from experiments.report.charts import history_charts
from experiments.report.gallery import group_by_split
from experiments.report.page import duration
from experiments.report.page import number
from experiments.report.page import percent
from experiments.report.page import write_page

EMPTY = {
    "run": {},
    "splits": {},
    "retrieval": {},
    "zero_shot": {},
    "augmentation_check": None,
    "notes": [],
}
MAX_TILES = 8


def write_report(path, results, history, config, gallery):
    """Writes the page.

    Args:
        path: File to write. Its folder must exist.
        results: dict, see above.
        history: List of dicts, see above. May be empty.
        config: Nested dict of the run's settings. May be empty.
        gallery: List of dicts, see `gallery.make_gallery`. May be empty.

    Raises:
        InputError: If a gallery entry is malformed.
    """
    results = EMPTY | results
    write_page(
        path,
        "training_report.html",
        results=results,
        summary=summary(results),
        tiles=headline_scores(results)[:MAX_TILES],
        charts=history_charts(history),
        gallery=group_by_split(gallery),
        environment=environment(results["run"]),
        config=config,
    )


def summary(results):
    """Says what was trained and how well, in two or three sentences.

    Args:
        results: dict, see above.

    Returns:
        str, plain text.
    """
    run = results.get("run", {})
    trained = []
    if "parameters" in run:
        trained.append(f"a model of {number(run['parameters'])} parameters")
    if "pairs" in run:
        trained.append(f"on {number(run['pairs'])} image–text pairs")
    if "steps" in run:
        trained.append(f"for {number(run['steps'])} steps")
    where = [duration(run["seconds"])] if "seconds" in run else []
    where += [f"on {run['hardware']}"] if "hardware" in run else []
    if where:
        trained.append(f"({' '.join(where)})")
    sentences = [run["description"]] if "description" in run else []
    if trained:
        sentences.append(f"Trained {' '.join(trained)}.")
    for split, ways in list(results.get("retrieval", {}).items())[:1]:
        task = ways["image_to_text"]
        title = results.get("splits", {}).get(split, split)
        sentences.append(
            f"{title}: the right text comes first among "
            f"{number(task['candidates'])} for {percent(task['R@1'])} of "
            f"{number(task['n'])} images; chance is "
            f"{percent(task['chance']['R@1'])}."
        )
    return " ".join(sentences)


def headline_scores(results):
    """Picks a score of each retrieval split and zero-shot task.

    Returns:
        A list of dicts: "split", "metric" in words, "score" and "chance".
    """
    picked = [
        (split, ways["image_to_text"], "R@1", "image to text, R@1")
        for split, ways in results["retrieval"].items()
    ]
    for name, task in results["zero_shot"].items():
        k = 5 if task["classes"] > 20 and "top5" in task else 1
        picked.append((name, task, f"top{k}", f"zero-shot, top-{k}"))
    return [
        {
            "split": split,
            "metric": words,
            "score": task[metric],
            "chance": task["chance"][metric],
        }
        for split, task, metric, words in picked
        if metric in task
    ]


def environment(run):
    """Lists what the report says about a run, as dict of name -> text."""
    rows = {
        name.replace("_", " "): number(value)
        for name, value in run.items()
        if name not in ("name", "description", "versions", "seconds")
    }
    if "seconds" in run:
        rows = {"wall time": duration(run["seconds"]), **rows}
    return rows | run.get("versions", {})
