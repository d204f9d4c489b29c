"""How values, images and settings look on a page."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from experiments.report import page
from uniclip_keras.errors import InputError

MACROS = page.ENVIRONMENT.get_template("macros.html").module


@pytest.mark.parametrize(
    "shown, expected",
    [
        (page.percent(0.3412), "34.1 %"),
        (page.percent(0.0005), "0.05 %"),
        (page.percent(0.00005), "0.005 %"),
        (page.percent(0), "0.0 %"),
        (page.number(1234567), "1,234,567"),
        (page.number(0.042137), "0.04214"),
        (page.number(1264.5), "1,264.5"),
        (page.number(True), "True"),
        (page.number(float("nan")), "nan"),
        (page.score(3.5, "median_rank"), "3.5"),
        (page.score(0.5, "R@1"), "50.0 %"),
        (page.duration(42), "42 s"),
        (page.duration(576), "9 min 36 s"),
        (page.duration(7500), "2 h 5 min"),
        (page.count(1, "view"), "1 view"),
        (page.count(3, "batch", "batches"), "3 batches"),
    ],
)
def test_values_are_formatted_for_people(shown, expected):
    assert shown == expected


def to_image(uri):
    data = uri.removeprefix("data:image/png;base64,")
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_images_keep_their_pixels_and_large_ones_are_scaled_down():
    small = np.zeros([8, 8, 3], np.uint8)
    small[0, 0] = 255, 128, 7
    np.testing.assert_array_equal(np.asarray(to_image(page.png(small))), small)
    assert 'class="pixels"' in MACROS.picture(small, "")
    large = np.zeros([600, 300, 3], np.uint8)
    assert to_image(page.png(large)).size == (96, 192)
    assert 'class="pixels"' not in MACROS.picture(large, "")
    with pytest.raises(InputError, match="float64"):
        page.png(np.zeros([8, 8, 3]))


def test_settings_are_named_as_on_the_command_line():
    views = [{"crop": (0.6, 1.0)}, {}]
    config = {"seed": 0, "image": {"size": 32}, "views": views, "path": "*.tar"}
    html = MACROS.settings(config)
    assert re.findall("<tr><td>(.*?)</td><td>(.*?)</td></tr>", html) == [
        ("seed", "0"),
        ("image.size", "32"),
        ("views.0.crop", "0.6, 1.0"),
        ("views.1", "{}"),
        ("path", "*.tar"),
    ]
