"""Which drawings are used, and how they look."""

import io

import numpy as np
import PIL.Image
from samples import encode

from experiments.corpora.emoji import drawings


def flat(color, size=(72, 72)):
    return encode(np.full([*size, len(color)], color, np.uint8), mode="RGBA")


def render(path):
    image = PIL.Image.open(io.BytesIO(drawings.render(path)))
    assert (image.mode, image.size) == ("RGB", (72, 72))
    return image


def test_placeholders_and_odd_sizes_are_dropped(tmp_path, monkeypatch):
    files = {
        "Goog/U+1F600.png": flat((255, 0, 0)),
        "Joy/U+1F600.png": flat((0, 0, 255)),
        # One picture under two vendors, even for different emoji.
        "Goog/U+1F601.png": flat((0, 128, 0)),
        "Sams/U+1F602.png": flat((0, 128, 0)),
        "FB/U+1F602.png": flat((0, 128, 0)),
        "FB/U+1F603.png": flat((255, 192, 203)),
        "Joy/U+1F603.png": flat((255, 192, 203), size=(73, 72)),
    }
    for name, content in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setattr(drawings, "package_folder", lambda module: tmp_path)
    found, dropped = drawings.find_drawings()
    assert list(found["noto"]) == ["1f600"]
    assert list(found["joypixels"]) == ["1f600"]
    assert list(found["facebook"]) == ["1f603"]
    assert dropped == {
        "noto: placeholder under several vendors": 1,
        "facebook: placeholder under several vendors": 1,
        "joypixels: not 72x72 pixels": 1,
    }


def test_transparent_drawings_go_on_white(tmp_path):
    path = tmp_path / "half.png"
    path.write_bytes(flat((255, 0, 0, 128)))
    assert render(path).getpixel((36, 36)) == (255, 127, 127)
    palette = PIL.Image.new("P", (72, 72), 0)
    palette.putpalette([0, 0, 0, 0, 0, 255])
    palette.paste(1, (0, 0, 36, 72))
    palette.save(path, transparency=0)
    image = render(path)
    assert image.getpixel((10, 10)) == (0, 0, 255)
    assert image.getpixel((60, 10)) == (255, 255, 255)


def test_svg_is_drawn_at_the_same_size(tmp_path):
    path = tmp_path / "square.svg"
    path.write_text(
        '<svg viewBox="0 0 72 72" xmlns="http://www.w3.org/2000/svg">'
        '<rect width="36" height="72" fill="#00ff00"/></svg>'
    )
    image = render(path)
    assert image.getpixel((10, 36)) == (0, 255, 0)
    assert image.getpixel((60, 36)) == (255, 255, 255)
