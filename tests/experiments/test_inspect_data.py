"""The data page: what it counts, and what it shows."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from experiments.report.data_facts import Facts
from experiments.report.data_facts import lost_their_tail
from experiments.report.data_pictures import groups_html

from experiments import inspect_data
from uniclip_keras.errors import InputError

LENGTH = 5


def letters(texts):
    """A tokenizer: 9 is the start, a letter an id, 999 the end."""
    rows = [[9, *text.encode()[: LENGTH - 2], 999] for text in np.ravel(texts)]
    rows = [row + [0] * (LENGTH - len(row)) for row in rows]
    return tf.reshape(tf.constant(rows), [*np.shape(texts), LENGTH])


def make_batch(ids, texts, sources=None):
    texts = np.array(texts)
    return {
        "views": np.zeros([len(ids), 2, 4, 4, 3], np.float32),
        "tokens": letters(texts).numpy(),
        "id": np.array(ids),
        "text": np.array(np.char.encode(texts), object),
        "key": np.array([b"k%d" % i for i in range(len(ids))], object),
        "source": np.array(sources or [0] * len(ids)),
    }


def test_facts_of_batches():
    facts = Facts(2, letters)
    first = make_batch(
        [7, 8, 7, 7, 9, 9], ["A", "BC", "", "ABC", "ABCD", "ABCDEF"]
    )
    first["key"][3] = first["key"][0]
    facts.add(first)
    facts.add(make_batch([1, 2, 3], ["A"] * 3, [1, 0, 1]))
    assert (facts.batches, facts.samples) == (2, 9)
    assert facts.drawn.tolist() == [7, 2]
    assert facts.group_sizes == {3: 3, 2: 2, 1: 4}
    assert facts.positives == pytest.approx((3 * 2 + 2) / 9)
    assert facts.repeated == 1
    # "ABC" just fits.
    assert (facts.texts, facts.cut) == (9, 2)
    assert facts.lengths == {3: 4, 4: 1, 2: 1, 5: 3}
    assert facts.mean_length == pytest.approx((12 + 4 + 2 + 15) / 9)
    assert facts.shapes["views"] == (6, 2, 4, 4, 3, "float32")
    sizes = [group["size"] for group in facts.groups]
    keys = [m["key"] for m in facts.groups[0]["members"]]
    assert sizes == [3, 2] and keys == ["k0", "k2", "k0"]


def test_several_texts_of_a_sample():
    texts = [["A", "ABCD"], ["ABCDE", "ABC"]]
    facts = Facts(1, letters)
    facts.add(make_batch([1, 2], texts))
    assert (facts.texts, facts.cut) == (4, 2)
    batch = make_batch([1, 2], texts)
    found = lost_their_tail(letters, batch["text"], batch["tokens"])
    assert found.tolist() == [[False, True], [True, False]]


def test_groups_are_shown_by_ranges_of_sizes():
    sizes = {1: 10, 2: 20, 3: 3, 4: 4, 5: 5, 8: 8, 9: 9}
    facts = SimpleNamespace(
        group_sizes=sizes, samples=59, repeated=0, groups=[]
    )
    html = groups_html({"facts": facts})
    names = re.findall(r"<span>(.*?)</span>", html)
    assert names == [
        "alone", "in groups of 2", "in groups of 3 to 4",
        "in groups of 5 to 8", "in groups of 9 to 16",
    ]  # fmt: skip
    assert re.findall(r"width:(.*?)%", html) == [
        "50.0", "100.0", "35.0", "65.0", "45.0",
    ]  # fmt: skip
    assert "every sample is alone" in html


def test_the_page_of_a_corpus(trained, tmp_path, capsys):
    config, workdir = trained
    path = inspect_data.inspect(
        config, tmp_path / "made", samples=3, batches=2, workdir=workdir
    )
    html = path.read_text()
    assert "<script" not in html and "http" not in html
    samples = html[html.index('id="samples"') : html.index('id="groups"')]
    # Each whole image beside its two views.
    assert samples.count("<img") == 3 * 3
    assert samples.count("whole image</figure>") == 3
    assert samples.count("crop ") >= 5
    shown = re.findall(
        r"<span>caption</span><div>(.*?)</div><span>its ids</span>"
        r"<div>(.*?)</div>",
        samples,
    )
    assert len(shown) == 3
    assert all(caption == read for caption, read in shown)
    assert "1 corrupt image (bad)" in html and "1 empty caption (dumb)" in html
    assert "100.0 %" in html[html.index('id="mixture"') :]
    assert "float32 [6, 2, 16, 16, 3]" in html
    out = capsys.readouterr().out
    assert "Learning" not in out and re.search(r"batch 2/2, [\d,]+ sam", out)


def test_too_few_to_show(trained, tmp_path):
    config, _ = trained
    for numbers in ({"samples": 0}, {"batches": 1}):
        with pytest.raises(InputError, match="too few: give at least 1 and 2"):
            inspect_data.inspect(config, tmp_path, **numbers)


def test_without_config_or_run(monkeypatch):
    nothing = SimpleNamespace(config=None, workdir=None)
    monkeypatch.setattr(inspect_data.flags, "FLAGS", nothing)
    with pytest.raises(InputError, match="nothing to look at: give --config"):
        inspect_data.main([])
