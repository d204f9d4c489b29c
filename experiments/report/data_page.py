"""The page of `inspect_data`, and its tables: mixture, texts, speed."""

import os

from experiments.report.data_pictures import STYLE
from experiments.report.data_pictures import groups_html
from experiments.report.data_pictures import samples_html
from experiments.report.page import number
from experiments.report.page import page
from experiments.report.page import percent
from experiments.report.page import text
from experiments.report.training_report import flatten


def write_page(path, found):
    """Writes the page: no other file and no network needed to read it.

    Args:
        path: where to write it; its folder exists.
        found: dict of "config" (nested dict), "tokenizer", "samples" (see
            `inspect_data.show_samples`), "facts" and "speed" (see
            `inspect_data.count_batches`), "parts" (see
            `inspect_data.describe_parts`), "bad_samples", "hardware" (str).
    """
    sections = [
        (
            "samples",
            "Samples",
            samples_html(found),
            "The first samples that training draws: the whole image squeezed "
            "into a square, views cut from it with what was done to each, and "
            "the caption with what its ids say.",
        ),
        (
            "groups",
            "Positives",
            groups_html(found),
            "Samples of one batch that share an id form a group: all their "
            "views and texts are positives of each other, all others "
            "negatives.",
        ),
        (
            "mixture",
            "Mixture",
            _mixture_html(found),
            "What was asked for, what was drawn, and how often 1,000 steps "
            "pass over each part.",
        ),
        ("texts", "Texts", _texts_html(found), ""),
        ("bad", "Bad samples", _bad_html(found["bad_samples"]), ""),
        ("speed", "Speed", _speed_html(found), ""),
        ("setup", "Configuration", _setup_html(found["config"]), ""),
    ]
    body = [STYLE, _header(found, sections)]
    for anchor, title, content, note in sections:
        body.append(f'<section id="{anchor}"><h2>{title}</h2>')
        body.append(f'<p class="note">{note}</p>' if note else "")
        body.append(f"{content}</section>")
    name = found["config"]["name"]
    # Written beside and moved into place: a reader never sees half a page.
    partial = f"{path}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        file.write(page(f"{name} · training data", "\n".join(body)))
    os.replace(partial, path)


def _header(found, sections):
    config, facts, speed = found["config"], found["facts"], found["speed"]
    images = sum(part["images"] for part in found["parts"])
    views, *size = facts.shapes["views"][1:-2]
    links = "".join(
        f'<a href="#{anchor}">{title}</a>' for anchor, title, _, _ in sections
    )
    tiles = [
        (
            f"{speed['samples_per_second']:,.0f}",
            "samples per second",
            f"{speed['views_per_second']:,.0f} views, made here",
        ),
        (
            number(round(facts.positives, 2)),
            "other samples of the same id",
            f"per sample, in a batch of {number(config['batch_size'])}",
        ),
        (
            percent(facts.cut / facts.texts),
            "of the texts are cut",
            f"they are longer than {found['tokenizer'].context_length} ids",
        ),
        (
            percent(found["bad_samples"].share),
            "of the samples are bad",
            f"{number(found['bad_samples'].skipped)} of "
            f"{number(found['bad_samples'].read)} read were skipped",
        ),
    ]
    cards = "".join(
        f'<div class="card tile"><b>{value}</b><span>{text(what)}</span>'
        f"<small>{text(more)}</small></div>"
        for value, what, more in tiles
    )
    return (
        '<header><p class="eyebrow">UniCLIP training data</p>'
        f"<h1>{text(config['name'])}</h1>"
        f'<p class="lead">{number(images)} images from '
        f"{_count(len(found['parts']), 'source')}; batches of "
        f"{number(config['batch_size'])} samples, each "
        f"{_count(views, 'view')} of {size[0]} px and "
        f"{_count(len(found['samples'][0]['texts']), 'text')}. Counted over "
        f"{_count(facts.batches, 'batch', 'batches')}, "
        f"{number(facts.samples)} samples.</p>"
        f'<nav>{links}</nav></header><div class="grid tiles">{cards}</div>'
    )


def _mixture_html(found):
    rows = [
        [
            f"{text(part['name'])}<small>{text(part['kind'])}</small>",
            number(part["images"]),
            percent(part["asked"]),
            percent(part["drawn"]),
            f"{part['passes']:.3g}",
        ]
        for part in found["parts"]
    ]
    head = ["", "images", "asked", "drawn", "passes in 1,000 steps"]
    return _table(head, rows)


def _texts_html(found):
    facts, tokenizer = found["facts"], found["tokenizer"]
    return _table(
        ["", "ids there are", "ids per text", "longest", "cut"],
        [
            [
                tokenizer.kind + f"<small>{tokenizer.fingerprint}</small>",
                number(tokenizer.vocabulary_size),
                f"{facts.mean_length:.1f}",
                number(max(facts.lengths)),
                percent(facts.cut / facts.texts),
            ]
        ],
    )


def _bad_html(bad_samples):
    summary = f"<p>{text(bad_samples.summary())}</p>"
    counts = bad_samples.counts
    if not counts:
        return summary
    rows = [
        [text(kind), number(count), text(", ".join(bad_samples.examples[kind]))]
        for kind, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    return summary + _table(["", "skipped", "such as"], rows)


def _speed_html(found):
    facts, speed = found["facts"], found["speed"]
    rows = [
        ["samples per second", f"{speed['samples_per_second']:,.0f}"],
        ["views per second", f"{speed['views_per_second']:,.0f}"],
        ["first batch after", f"{speed['first']:.1f} s"],
    ] + [
        [f"<code>{name}</code>", text(f"{kind} {list(shape)}")]
        for name, (*shape, kind) in facts.shapes.items()
    ]
    return (
        _table(["", ""], rows)
        + f'<p class="note">{text(found["hardware"])}. The first batch waits '
        "until the shuffle buffer is full; images that are kept in memory "
        "are read in the first pass only.</p>"
    )


def _setup_html(config):
    rows = "".join(
        f"<tr><td>{text(key)}</td><td>{text(value)}</td></tr>"
        for key, value in flatten(
            {key: config[key] for key in ("data", "tokenizer")}
        ).items()
    )
    return (
        '<details class="card"><summary>data and tokenizer</summary>'
        f'<div class="columns"><table>{rows}</table></div></details>'
    )


def _table(head, rows):
    body = "".join(
        "<tr>"
        + "".join(
            f'<td data-label="{text(label)}">{cell}</td>'
            for label, cell in zip(head, row, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    head = "".join(f"<th>{text(label)}</th>" for label in head)
    return (
        f'<div class="card scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _count(count, one, several=None):
    """ "1 view", "3 views"."""
    return f"{number(count)} {one if count == 1 else several or f'{one}s'}"
