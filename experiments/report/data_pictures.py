"""The pictures of `inspect_data`'s page: samples, and groups of positives."""

from experiments.report.page import image_tag
from experiments.report.page import number
from experiments.report.page import percent
from experiments.report.page import text

STYLE = """<style>
.samples { grid-template-columns:
  repeat(auto-fit, minmax(min(100%, 480px), 1fr)); }
.head { display: flex; flex-wrap: wrap; gap: 2px 14px;
  align-items: baseline; margin-bottom: 12px; }
.views { display: grid; gap: 12px; margin-bottom: 12px;
  grid-template-columns: repeat(auto-fit, minmax(98px, 1fr)); }
.views figure { margin: 0; font-size: 13px; line-height: 1.4;
  color: var(--muted); }
.views img { width: 100%; aspect-ratio: 1; height: auto;
  margin-bottom: 6px; border: 1px solid var(--line); }
.views .whole img { outline: 3px solid var(--accent); outline-offset: -1px;
  border-color: transparent; }
.views b { display: block; color: var(--ink); font-weight: 600; }
.texts { display: grid; gap: 4px 14px; font-size: 15px;
  grid-template-columns: max-content 1fr; }
.texts span { color: var(--muted); font-size: 13px; line-height: 23px; }
.cut { display: inline-block; padding: 0 8px; border-radius: 6px;
  background: var(--soft); color: var(--accent); font-size: 13px; }
.members { display: grid; gap: 10px; margin-top: 10px;
  grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); }
</style>"""


def samples_html(found):
    """A card for each sample: whole image, views, texts.

    Args:
        found: see `data_page.write_page`.
    """
    cards = "".join(
        _sample_html(sample, found["parts"]) for sample in found["samples"]
    )
    return f'<div class="grid samples">{cards}</div>'


def _sample_html(sample, parts):
    figures = [
        f'<figure class="whole">{image_tag(sample["image"], "whole image")}'
        "<b>source</b>whole image</figure>"
    ]
    for place, (view, words) in enumerate(sample["views"], 1):
        figures.append(
            f"<figure>{image_tag(view, f'view {place}')}<b>view {place}</b>"
            f"{text(words)}</figure>"
        )
    texts = "".join(
        f"<span>caption</span><div>{text(line)}</div>"
        f"<span>its ids</span><div>{text(read)}"
        f"{' <i class=cut>cut</i>' if cut else ''}</div>"
        for line, read, cut in sample["texts"]
    )
    return (
        f'<div class="card"><div class="head"><strong>'
        f"{text(sample['key'])}</strong><small>"
        f"{text(parts[sample['source']]['name'])} · id {sample['id']}</small>"
        f'</div><div class="views">{"".join(figures)}</div>'
        f'<div class="texts">{texts}</div></div>'
    )


def groups_html(found):
    """How large the groups of equal ids are, and the largest with pictures.

    Args:
        found: see `data_page.write_page`.
    """
    facts = found["facts"]
    shares = _by_size(facts.group_sizes)
    most = max(shares.values())
    rows = "".join(
        f'<span>{name}</span><div class="{"" if name == "alone" else "strong"}"'
        f' style="width:{100 * count / most:.1f}%"></div>'
        f"<b>{percent(count / facts.samples)}</b>"
        for name, count in shares.items()
    )
    repeated = (
        f"{number(facts.repeated)} times an image stood in a batch that had it "
        "already."
    )
    cards = "".join(_group_html(group) for group in facts.groups)
    shown = (
        f"<h3>The largest groups of the first batch</h3>"
        f'<div class="grid queries">{cards}</div>'
        if cards
        else "<p>In the first batch every sample is alone.</p>"
    )
    return (
        '<figure class="card"><figcaption><strong>Samples by the size of their '
        f'group</strong>{repeated}</figcaption><div class="bars">{rows}</div>'
        f"</figure>{shown}"
    )


def _by_size(group_sizes):
    """Samples by ranges of sizes that double: alone, 2, 3-4, 5-8, ..."""
    shares = {}
    for size, count in sorted(group_sizes.items()):
        doublings = (size - 1).bit_length()
        first, last = 2**doublings // 2 + 1, 2**doublings
        name = f"in groups of {first} to {last}"
        if size <= 2:
            name = "alone" if size == 1 else "in groups of 2"
        shares[name] = shares.get(name, 0) + count
    return shares


def _group_html(group):
    members = "".join(
        f'<figure class="hit">{image_tag(member["image"], member["key"])}'
        f"{text(' / '.join(member['text']))}</figure>"
        for member in group["members"]
    )
    return (
        f'<div class="card"><strong>{group["size"]} samples</strong>'
        f'<div class="members">{members}</div></div>'
    )
