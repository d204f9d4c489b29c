"""The report of a run: one HTML page that needs nothing else, and a table.

`results` is the dict that is stored as results.json. Every part is optional:

    {
      "run": {                      # all optional; further keys are shown too
        "name": "emoji", "description": "One plain sentence about the data.",
        "seed": 0, "steps": 1500, "epochs": 25, "pairs": 288000,
        "seconds": 576.0, "pairs_per_second": 500.0, "parameters": 1700000,
        "hardware": "2 CPU cores", "versions": {"keras": "3.15.1", ...},
      },
      "splits": {"style": "Seen items, drawn by a vendor never seen", ...},
                                    # titles of splits and zero-shot tasks
      "retrieval": {"style": <what `retrieval_metrics` returns>, ...},
      "zero_shot": {"novel/subgroups": <what `zero_shot_metrics` returns>, ...},
      "augmentation_check": {"loss": 2.31, "loss_shuffled": 2.58, "n": 4096},
      "notes": ["Twemoji: CC-BY 4.0.", ...],   # licences, sources; at the foot
    }

`history` is a list of rows as in history.jsonl, any key but "step" optional:

    {"step": 10, "loss": 3.2, "learning_rate": 1e-3, "pairs_per_second": 480.0,
     "temperature/image-image": 0.07, "offset/image-image": 0.0,
     "temperature/image-text": 0.07, ...}

`config` is a nested dict; `gallery` is described in `gallery`.
"""

import os

from experiments.report.charts import augmentation_chart
from experiments.report.charts import history_charts
from experiments.report.gallery import gallery_html
from experiments.report.page import duration
from experiments.report.page import number
from experiments.report.page import page
from experiments.report.page import percent
from experiments.report.page import text
from experiments.report.results_table import results_html

METRICS_NOTE = (
    "Chance is the exact score of a model that rates every candidate alike; "
    "tied candidates count at their expected place. A query is hit when any "
    "of its correct candidates is found; median rank counts from 1. "
    "“Most common” always names the most frequent classes."
)


def write_report(path, results, history, config, gallery):
    """Writes `report.html`: no other file and no network needed to read it.

    Args:
        path: where to write the page; its folder exists.
        results: dict, see above.
        history: list of dicts, see above; may be empty.
        config: nested dict of the run's settings; may be empty.
        gallery: list of dicts, see `gallery.gallery_html`; may be empty.

    Raises:
        InputError: a gallery entry is malformed.
    """
    run = results.get("run", {})
    titles = results.get("splits", {})
    sections = [
        ("results", "Results", results_html(results), METRICS_NOTE),
        (
            "augmentations",
            "Does it read the augmentations?",
            augmentation_chart(results.get("augmentation_check")),
            "The image head is told how each view was made. Here the same "
            "views are scored with their own augmentation vectors, and with "
            "vectors shuffled among the views.",
        ),
        ("training", "Training", _training_html(history), ""),
        (
            "gallery",
            "What it finds",
            gallery_html(gallery, titles),
            "Real images with their true names and the best matches, by "
            "cosine similarity. Correct ones are marked ✓.",
        ),
        ("setup", "Setup", _setup_html(run, config), ""),
    ]
    sections = [section for section in sections if section[2]]
    body = [_header(results, sections)]
    for anchor, title, content, note in sections:
        body.append(f'<section id="{anchor}"><h2>{title}</h2>')
        body.append(f'<p class="note">{note}</p>' if note else "")
        body.append(f"{content}</section>")
    notes = "<br>".join(text(note) for note in results.get("notes", ()))
    if notes:
        body.append(f'<footer class="note">{notes}</footer>')
    title = f"{run.get('name', 'Run')} · training report"
    # Written beside and moved into place: a reader never sees half a page.
    partial = f"{path}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(page(title, "\n".join(body)))
    os.replace(partial, path)


def _header(results, sections):
    run = results.get("run", {})
    links = "".join(
        f'<a href="#{anchor}">{title}</a>' for anchor, title, _, _ in sections
    )
    return (
        '<header><p class="eyebrow">UniCLIP training report</p>'
        f"<h1>{text(run.get('name', 'Run'))}</h1>"
        f'<p class="lead">{text(summary(results))}</p>'
        f"<nav>{links}</nav></header>{_tiles(results)}"
    )


def summary(results):
    """What was trained and what came of it, in two or three sentences.

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
    for split, task in list(results.get("retrieval", {}).items())[:1]:
        found = task["image_to_text"]
        title = results.get("splits", {}).get(split, split)
        sentences.append(
            f"{title}: the right text comes first among "
            f"{number(found['candidates'])} for {percent(found['R@1'])} of "
            f"{number(found['n'])} images; chance is "
            f"{percent(found['chance']['R@1'])}."
        )
    return " ".join(sentences)


def _tiles(results):
    titles = results.get("splits", {})
    tiles = [
        (name, task["image_to_text"], "R@1", "image to text, R@1")
        for name, task in results.get("retrieval", {}).items()
    ]
    for name, task in results.get("zero_shot", {}).items():
        metric = "top5" if task["classes"] > 20 and "top5" in task else "top1"
        tiles.append((name, task, metric, f"zero-shot, top-{metric[3:]}"))
    cards = "".join(
        f'<div class="card tile"><b>{percent(task[metric])}</b>'
        f"<span>{text(titles.get(name, name))}</span>"
        f"<small>{kind}<br>chance {percent(task['chance'][metric])}</small>"
        "</div>"
        for name, task, metric, kind in tiles[:8]
        if metric in task
    )
    return f'<div class="grid tiles">{cards}</div>' if cards else ""


def _training_html(history):
    charts = history_charts(history)
    if not charts:
        return '<p class="card">No history was recorded for this run.</p>'
    return f'<div class="grid charts">{"".join(charts)}</div>'


def _setup_html(run, config):
    run = {k: v for k, v in run.items() if k not in ("name", "description")}
    versions = run.pop("versions", {})
    if "seconds" in run:
        run = {"wall time": duration(run.pop("seconds")), **run}
    environment = {
        key.replace("_", " "): number(value) for key, value in run.items()
    }
    return _details(
        "Environment", environment | versions, opened=True
    ) + _details("Configuration", flatten(config), opened=False)


def _details(title, rows, opened):
    if not rows:
        return ""
    cells = "".join(
        f"<tr><td>{text(key)}</td><td>{text(value)}</td></tr>"
        for key, value in rows.items()
    )
    return (
        f'<details class="card"{" open" if opened else ""}>'
        f"<summary>{title}</summary>"
        f'<div class="columns"><table>{cells}</table></div></details>'
    )


def flatten(nested, prefix=""):
    """A nested configuration as {"outer.inner": value in words}.

    Dicts in lists are counted from 0, as in "views.1.crop".
    """
    by_key = isinstance(nested, dict)
    rows = {}
    for key, value in nested.items() if by_key else enumerate(nested):
        name = f"{prefix}{key}"
        if _has_parts(value):
            rows |= flatten(value, f"{name}.")
        elif isinstance(value, (list, tuple)):
            rows[name] = ", ".join(map(str, value))
        else:
            rows[name] = str(value)
    return rows


def _has_parts(value):
    if isinstance(value, (list, tuple)):
        return any(isinstance(part, dict) for part in value)
    return isinstance(value, dict) and bool(value)
