"""The report's retrieval grid: real images beside what the model made of them.

Images stand beside the names found for them, and names beside the images
found, split by split in the order given.
"""

from experiments.report.page import image_tag
from experiments.report.page import text
from uniclip_keras.errors import InputError


def gallery_html(gallery, titles):
    """The retrieval grid of all splits.

    Args:
        gallery: list of two kinds of entry, mixed in any order: an image,
            {"split", "image" uint8 [h, w, 3], "label" its true name,
            "predictions" [(text, score, correct)]}, and a text query,
            {"split", "text", "images" [(uint8 [h, w, 3], score, correct)]}.
            Scores are cosines, best first.
        titles: {split: title}, for splits that have one.

    Returns:
        HTML; empty for an empty gallery.

    Raises:
        InputError: an entry of neither kind, or an image that is not uint8.
    """
    by_split = {}
    for entry in gallery:
        if "predictions" not in entry and "images" not in entry:
            raise InputError(
                f"A gallery entry has the keys {sorted(entry)}; an image "
                "needs 'predictions', a text query 'images'."
            )
        by_split.setdefault(entry["split"], []).append(entry)
    return "\n".join(
        _split_html(titles.get(split, split), entries)
        for split, entries in by_split.items()
    )


def _split_html(title, entries):
    shots = [_shot(entry) for entry in entries if "predictions" in entry]
    queries = [_query(entry) for entry in entries if "images" in entry]
    parts = [f"<h3>{text(title)}</h3>"]
    if shots:
        parts.append(f'<div class="grid shots">{"".join(shots)}</div>')
    if queries:
        parts.append(f'<div class="grid queries">{"".join(queries)}</div>')
    return "\n".join(parts)


def _shot(entry):
    rows = "".join(
        f"<li{_right(correct)}><span>{_tick(correct)}{text(name)}</span>"
        f"<span>{score:.2f}</span></li>"
        for name, score, correct in entry["predictions"]
    )
    label = entry["label"]
    return (
        f'<div class="card shot"><div class="truth">'
        f"{image_tag(entry['image'], label)}<span>{text(label)}</span></div>"
        f"<ol>{rows}</ol></div>"
    )


def _query(entry):
    hits = "".join(
        f'<figure class="hit{" right" if correct else ""}">'
        f"{image_tag(image, 'right' if correct else 'wrong')}"
        f"{_tick(correct)}{score:.2f}</figure>"
        for image, score, correct in entry["images"]
    )
    return (
        f'<div class="card"><strong>“{text(entry["text"])}”</strong>'
        f'<div class="row">{hits}</div></div>'
    )


def _right(correct):
    return ' class="right"' if correct else ""


def _tick(correct):
    # Colour alone would not reach everyone.
    return "✓ " if correct else ""
