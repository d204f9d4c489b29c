"""Drawing captions: even, stateless, and the same in `Dataset.map`."""

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data.text.captions import draw_captions
from uniclip_keras.errors import InputError


def test_draw_captions_is_even_stateless_and_the_same_in_map():
    texts = tf.constant(["a\nb\nc\nd"] * 4000 + ["only"])
    drawn = draw_captions(texts, [1, 2]).numpy()
    assert drawn[-1] == b"only"
    _, counts = np.unique(drawn[:-1], return_counts=True)
    assert len(counts) == 4 and counts.min() > 900
    dataset = tf.data.Dataset.from_tensors(texts)
    (mapped,) = dataset.map(lambda x: draw_captions(x, [1, 2]))
    np.testing.assert_array_equal(drawn, mapped)
    assert (draw_captions(texts, [1, 3]).numpy() != drawn).any()


def test_several_captions_are_different_even_and_stateless():
    texts = tf.constant(["a\nb\nc\nd"] * 3000 + ["x\ny", "only", ""])
    drawn = draw_captions(texts, [1, 2], count=3)
    assert drawn.shape == (3003, 3)
    rows = drawn.numpy().tolist()
    # Every ordered choice of three different lines of four is as likely.
    _, counts = np.unique(
        [b"".join(row) for row in rows[:3000]], return_counts=True
    )
    assert len(counts) == 24 and all(len(set(r)) == 3 for r in rows[:3000])
    assert counts.min() > 80 and counts.max() < 175
    # With fewer lines they come in turn.
    two, one, none = rows[3000:]
    assert {two[0], two[1]} == {b"x", b"y"} and two[2] == two[0]
    assert one == [b"only"] * 3 and none == [b""] * 3
    dataset = tf.data.Dataset.from_tensor_slices(texts).batch(3003)
    mapped = dataset.map(lambda x: draw_captions(x, [1, 2], count=3))
    assert mapped.element_spec.shape == (None, 3)
    np.testing.assert_array_equal(next(iter(mapped)), drawn)
    others = draw_captions(texts, [1, 3], count=3)
    assert (others.numpy() != drawn.numpy()).any()


def test_a_count_of_captions_is_a_whole_number():
    for count in (0, -1, 1.5):
        with pytest.raises(InputError, match="captions per image"):
            draw_captions(tf.constant(["a"]), [0, 0], count)
