"""Renders templates as self-contained HTML pages; formats their values."""

import base64
import io
import math
import numbers
import pathlib

import numpy as np
from jinja2 import Environment
from jinja2 import FileSystemLoader
from jinja2 import StrictUndefined
from PIL import Image

from experiments.run import files
from uniclip_keras.errors import InputError

# Larger images would make the page heavier without looking better.
MAX_IMAGE_SIZE = 192


def write_page(path, template, **values):
    """Writes a page of `templates/` that needs no other file, no network."""
    html = ENVIRONMENT.get_template(template).render(values)
    files.write_text(str(path), html)


def percent(fraction):
    """Formats a fraction: 0.3412 as "34.1 %", 0.0005 as "0.05 %"."""
    value = 100 * fraction
    if 0 < abs(value) < 0.01:
        return f"{value:.1g} %"
    return f"{value:.2f} %" if 0 < abs(value) < 1 else f"{value:.1f} %"


def number(value):
    """Formats 1234567 as "1,234,567" and 0.042137 as "0.04214"."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        return str(value)
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"


def score(value, metric):
    """Formats a metric's value: a rank as a number, all others as percent."""
    return number(value) if metric == "median_rank" else percent(value)


def interval(pair, metric):
    """Formats an interval of a metric: "33.1 to 35.2 %"; "" for None."""
    if pair is None:
        return ""
    low, high = (score(value, metric) for value in pair)
    return f"{low.removesuffix(' %')} to {high}"


def points(difference, metric, signed=True):
    """Formats a difference of shares in points, 0.0123 as "+1.23"; see `score`.

    That of a rank stays in ranks.
    """
    value = difference if metric == "median_rank" else 100 * difference
    digits = 2 if abs(value) < 10 else 1
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        return text.removeprefix("-")
    return f"+{text}" if signed and value > 0 else text


def points_interval(pair, metric):
    """Formats an interval of a difference: "-0.12 to +2.58"."""
    return " to ".join(points(value, metric) for value in pair)


def p_value(p):
    """Formats a probability: 0.0312 as "0.031", 0.0000001 as "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def duration(seconds):
    """Formats seconds as "42 s", "9 min 36 s" or "2 h 5 min"."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def count(value, noun, plural=None):
    """Formats a count with its noun: "1 view", "3 views"."""
    return f"{number(value)} {noun if value == 1 else plural or f'{noun}s'}"


def to_pixels(images):
    """Converts images `[..., 3]`, uint8 or floats in [0, 1], to uint8."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    return np.round(255 * images).astype(np.uint8)


def png(image, max_size=MAX_IMAGE_SIZE):
    """Encodes uint8 `[height, width, 3]` as a data URI, scaled down.

    Raises:
        InputError: The image has another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(
            f"An image of the page is {image.dtype} {list(image.shape)}: give "
            "uint8 [height, width, 3]."
        )
    picture = Image.fromarray(image)
    picture.thumbnail([max_size] * 2, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f"data:image/png;base64,{data}"


ENVIRONMENT = Environment(
    loader=FileSystemLoader(pathlib.Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENVIRONMENT.filters |= {
    filter.__name__: filter
    for filter in (
        count,
        duration,
        interval,
        number,
        p_value,
        percent,
        png,
        points,
        points_interval,
        score,
    )
}
