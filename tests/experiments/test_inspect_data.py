"""The data page of a configuration."""

import re
from types import SimpleNamespace

import pytest

from experiments import inspect_data
from uniclip_keras.errors import InputError


def test_the_page_of_a_corpus(trained, tmp_path, capsys):
    config, workdir = trained
    path = inspect_data.inspect(
        config, tmp_path / "made", samples=3, batches=5, workdir=workdir
    )
    html = path.read_text()
    assert "<script" not in html and "http" not in html
    samples = html[html.index('id="samples"') : html.index('id="groups"')]
    # A whole image and two views of each sample.
    assert samples.count("<img") == 3 * 3
    assert samples.count("whole image</figure>") == 3
    assert samples.count("crop ") >= 5
    texts = re.findall(
        r"<span>caption</span><div>(.*?)</div>\s*<span>decoded</span>"
        r"<div>(.*?)</div>",
        samples,
    )
    assert len(texts) == 3
    assert all(caption == decoded for caption, decoded in texts)
    # As often as they were drawn.
    assert re.search(r"\d corrupt image \(bad\)", html)
    assert re.search(r"\d empty caption \(dumb\)", html)
    assert "100.0 %" in html[html.index('id="mixture"') :]
    assert "float32 [6, 2, 16, 16, 3]" in html
    out = capsys.readouterr().out
    # The run's tokenizer is used, and the speed is shown.
    assert "Learning" not in out and re.search(r"batch 5/5, [\d,]+ sam", out)


@pytest.mark.parametrize("numbers", [{"samples": 0}, {"batches": 1}])
def test_too_few_to_show(numbers, tmp_path):
    with pytest.raises(InputError, match="too few: give at least 1 and 2"):
        inspect_data.inspect(None, tmp_path, **numbers)


def test_without_config_or_run(monkeypatch):
    options = SimpleNamespace(config=None, workdir=None)
    monkeypatch.setattr(inspect_data.flags, "FLAGS", options)
    with pytest.raises(InputError, match="no data to show: give --config"):
        inspect_data.main([])
