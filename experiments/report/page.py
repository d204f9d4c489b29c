"""The report's building blocks: style sheet, page, figures in words."""

import base64
import html
import io
import math
import numbers

import numpy as np
from PIL import Image

from uniclip_keras.errors import InputError

# Pictures are shown at most this wide; larger ones would only weigh the page.
LARGEST_IMAGE = 192

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #16191f; --muted: #626b7a;
  --line: #e3e6eb; --accent: #4a4fd8; --soft: #eceefb; --tile: #ffffff;
  --right: #12805c; --right-soft: #e2f4ec; --bar: #c9cdf6;
  --series-1: #4a4fd8; --series-2: #d9622b; --series-3: #12805c;
  --series-4: #b3307f; --series-5: #8a6d00; --series-6: #0b7a99;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111319; --card: #1a1d25; --ink: #e8eaf0; --muted: #98a1b2;
    --line: #2c313c; --accent: #a3a8ff; --soft: #24283a; --tile: #f4f5f7;
    --right: #54d3a2; --right-soft: #16332a; --bar: #3d4380;
    --series-1: #a3a8ff; --series-2: #ff9d6b; --series-3: #54d3a2;
    --series-4: #f48bc6; --series-5: #e3c25a; --series-6: #5cc7e3;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0 auto; max-width: 1120px; padding: 56px 24px 72px;
  background: var(--page); color: var(--ink); overflow-wrap: anywhere;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans",
    "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums;
}
header { margin-bottom: 28px; }
.eyebrow { margin: 0; color: var(--accent); font-size: 13px;
  font-weight: 600; letter-spacing: .06em; text-transform: uppercase; }
h1 { margin: 4px 0 12px; font-size: 40px; line-height: 1.15;
  letter-spacing: -.02em; }
h2 { margin: 56px 0 6px; font-size: 24px; letter-spacing: -.01em; }
h3 { margin: 28px 0 10px; font-size: 17px; }
p { margin: 0 0 14px; max-width: 74ch; }
.lead { font-size: 18px; }
.note, figcaption, small { color: var(--muted); font-size: 14px; }
nav { display: flex; flex-wrap: wrap; gap: 4px 20px; font-size: 15px; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
.grid { display: grid; gap: 16px; margin: 16px 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 172px), 1fr)); }
.charts { grid-template-columns:
  repeat(auto-fit, minmax(min(100%, 400px), 1fr)); }
.card { margin: 0; padding: 18px 20px; background: var(--card);
  border: 1px solid var(--line); border-radius: 12px; min-width: 0; }
.tile b { display: block; font-size: 34px; line-height: 1.2;
  letter-spacing: -.02em; }
.tile span { display: block; font-weight: 600; font-size: 15px; }
.tile small { display: block; }
.scroll { padding: 4px 20px; margin: 16px 0; overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-size: 15px; }
th { color: var(--muted); font-size: 13px; font-weight: 500; }
th, td { padding: 10px 14px 10px 0; text-align: right;
  vertical-align: baseline; white-space: nowrap;
  border-bottom: 1px solid var(--line); }
tr:last-child > * { border-bottom: 0; }
th:first-child, td:first-child { text-align: left; }
td:first-child { font-weight: 600; }
td:first-child small { font-weight: 400; }
td:last-child, th:last-child { padding-right: 0; }
td small { display: block; font-size: 12.5px; }
figcaption { margin-bottom: 8px; }
figcaption strong { display: block; color: var(--ink); font-size: 16px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; }
.legend i { display: inline-block; width: 12px; height: 3px;
  margin-right: 6px; border-radius: 2px; vertical-align: middle; }
.legend b { color: var(--ink); font-weight: 600; }
svg { display: block; width: 100%; height: auto; }
svg text { font-family: inherit !important; }
.bars { display: grid; gap: 6px 14px; margin-top: 12px; align-items: center;
  grid-template-columns: fit-content(45%) 1fr max-content;
  font-size: 15px; }
.bars div { height: 22px; border-radius: 5px; background: var(--bar); }
.bars div.strong { background: var(--accent); }
.shots { grid-template-columns:
  repeat(auto-fill, minmax(min(100%, 250px), 1fr)); }
.shot { display: flex; flex-direction: column; gap: 12px; }
.shot .truth { display: flex; gap: 14px; align-items: center;
  font-weight: 600; line-height: 1.3; }
img { display: block; background: var(--tile); border-radius: 8px;
  object-fit: contain; }
img.pixels { image-rendering: pixelated; }
.shot img { width: 72px; height: 72px; flex: none;
  border: 1px solid var(--line); }
ol { list-style: none; margin: 0; padding: 0; font-size: 14px; }
li { display: flex; justify-content: space-between; gap: 10px;
  padding: 3px 8px; border-radius: 6px; }
li span:last-child { color: var(--muted); white-space: nowrap; }
li.right { background: var(--right-soft); color: var(--right);
  font-weight: 600; }
li.right span:last-child { color: inherit; }
.queries { grid-template-columns:
  repeat(auto-fill, minmax(min(100%, 420px), 1fr)); }
.queries strong { display: block; margin-bottom: 12px; line-height: 1.3; }
.row { display: grid; gap: 10px; grid-template-columns: repeat(5, 1fr); }
.hit { margin: 0; font-size: 12.5px; text-align: center;
  color: var(--muted); }
.hit img { width: 100%; max-width: 72px; aspect-ratio: 1; height: auto;
  margin: 0 auto 3px;
  border: 1px solid var(--line); }
.hit.right { color: var(--right); font-weight: 600; }
.hit.right img { border-color: transparent;
  outline: 3px solid var(--right); outline-offset: -1px; }
details.card { margin: 12px 0; padding: 12px 20px; }
summary { cursor: pointer; font-weight: 600; }
.columns { columns: 2 320px; column-gap: 40px; margin-top: 10px; }
.columns table { font-size: 14px; }
.columns tr { break-inside: avoid; }
.columns td { padding: 4px 0; white-space: normal;
  overflow-wrap: break-word; }
.columns td:first-child { font-weight: 400; color: var(--muted);
  padding-right: 14px; }
footer { margin-top: 56px; padding-top: 18px;
  border-top: 1px solid var(--line); }
@media (max-width: 600px) {
  body { padding: 32px 16px 48px; }
  h1 { font-size: 31px; }
  .lead { font-size: 17px; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 10px; }
  .tile { padding: 14px; }
  .tile b { font-size: 27px; }
  .scroll thead { display: none; }
  .scroll tr { display: grid; grid-template-columns: repeat(3, 1fr);
    gap: 10px; padding: 12px 0; border-bottom: 1px solid var(--line); }
  .scroll tr:last-child { border-bottom: 0; }
  .scroll td { padding: 0; border: 0; text-align: left;
    white-space: normal; }
  .scroll td:first-child { grid-column: 1 / -1; }
  .scroll td::before { content: attr(data-label); display: block;
    color: var(--muted); font-size: 12.5px; }
  .scroll td:first-child::before { display: none; }
}
@media print { body { max-width: none; } .card { break-inside: avoid; } }
"""


def page(title, body):
    """A complete HTML document.

    Args:
        title: plain text.
        body: HTML.

    Returns:
        str, needs no other file and no network.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, '
        'initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{body}\n</body>\n</html>\n"
    )


def text(value):
    """Any value as HTML text, safe in attributes too."""
    return html.escape(str(value))


def percent(fraction):
    """A fraction as a percentage: 0.3412 is "34.1 %", 0.0005 is "0.05 %"."""
    value = 100 * fraction
    if 0 < abs(value) < 0.01:
        return f"{value:.1g} %"
    return f"{value:.2f} %" if 0 < abs(value) < 1 else f"{value:.1f} %"


def number(value):
    """A number for people: 1234567 is "1,234,567", 0.042137 is "0.04214".

    Anything else is its own text.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def duration(seconds):
    """Seconds as "42 s", "9 min 36 s" or "2 h 5 min"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def image_tag(image, alt):
    """A picture inside the page, as PNG.

    Small pictures are scaled up with square pixels; pictures larger than
    `LARGEST_IMAGE` are scaled down.

    Args:
        image: uint8 [h, w, 3].
        alt: plain text for readers who do not see it.

    Returns:
        str, an `img` element.

    Raises:
        InputError: not uint8 [h, w, 3].
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(
            f"A gallery image is {image.dtype} {list(image.shape)}; give "
            "uint8 [height, width, 3]."
        )
    picture = Image.fromarray(image)
    picture.thumbnail([LARGEST_IMAGE] * 2, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    kind = ' class="pixels"' if max(picture.size) <= 64 else ""
    return f'<img{kind} src="data:image/png;base64,{data}" alt="{text(alt)}">'
