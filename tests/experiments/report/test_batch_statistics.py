import re

import numpy as np
import pytest
import tensorflow as tf

from experiments.report.batch_statistics import BatchStatistics
from experiments.report.batch_statistics import is_truncated
from experiments.report.page import ENVIRONMENT

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


def test_statistics_of_two_batches():
    statistics = BatchStatistics(2, letters)
    first = make_batch(
        [7, 8, 7, 7, 9, 9], ["A", "BC", "", "ABC", "ABCD", "ABCDEF"]
    )
    first["key"][3] = first["key"][0]
    statistics.add(first)
    statistics.add(make_batch([1, 2, 3], ["A"] * 3, [1, 0, 1]))
    assert (statistics.batches, statistics.samples) == (2, 9)
    assert statistics.drawn.tolist() == [7, 2]
    assert statistics.group_sizes == {3: 3, 2: 2, 1: 4}
    assert statistics.mean_positives == pytest.approx((3 * 2 + 2) / 9)
    assert statistics.repeated_images == 1
    # "ABC" just fits.
    assert (statistics.texts, statistics.truncated) == (9, 2)
    assert statistics.lengths == {3: 4, 4: 1, 2: 1, 5: 3}
    assert statistics.mean_length == pytest.approx((12 + 4 + 2 + 15) / 9)
    assert statistics.shapes["views"] == ((6, 2, 4, 4, 3), "float32")
    sizes = [group["size"] for group in statistics.groups]
    keys = [member["key"] for member in statistics.groups[0]["members"]]
    assert sizes == [3, 2] and keys == ["k0", "k2", "k0"]


def test_each_of_several_texts_may_be_truncated():
    batch = make_batch([1, 2], [["A", "ABCD"], ["ABCDE", "ABC"]])
    statistics = BatchStatistics(1, letters)
    statistics.add(batch)
    assert (statistics.texts, statistics.truncated) == (4, 2)
    truncated = is_truncated(letters, batch["text"], batch["tokens"])
    assert truncated.tolist() == [[False, True], [True, False]]


def test_groups_are_shown_by_ranges_of_sizes():
    statistics = BatchStatistics(1, letters)
    statistics.group_sizes.update({1: 10, 2: 20, 3: 3, 4: 4, 5: 5, 8: 8, 9: 9})
    statistics.samples = 59
    macros = ENVIRONMENT.get_template("data_macros.html").module
    html = macros.positive_groups(statistics)
    assert re.findall(r"<span>(.*?)</span>", html) == [
        "alone", "in groups of 2", "in groups of 3 to 4",
        "in groups of 5 to 8", "in groups of 9 to 16",
    ]  # fmt: skip
    assert re.findall(r"width:(.*?)%", html) == [
        "50.0", "100.0", "35.0", "65.0", "45.0",
    ]  # fmt: skip
    assert "every sample is alone" in html
