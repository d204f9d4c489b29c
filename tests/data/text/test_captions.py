"""Drawing texts: even, and the same for the same key."""

import collections

from uniclip_keras.data.text.captions import draw_texts

PLAIN = ("{}",)


def test_captions_are_drawn_evenly_and_again():
    drawn = [draw_texts("a\nb\nc", False, 1, PLAIN, 5, i) for i in range(3000)]
    counts = collections.Counter(text for (text,) in drawn)
    # 1,000 +- 26 each.
    assert counts.keys() == {*"abc"} and min(counts.values()) > 870
    again = [draw_texts("a\nb\nc", False, 1, PLAIN, 5, i) for i in range(3000)]
    assert again == drawn
    other = [draw_texts("a\nb\nc", False, 1, PLAIN, 6, i) for i in range(3000)]
    assert 870 < sum(a == b for a, b in zip(other, drawn, strict=True)) < 1130


def test_several_captions_differ_and_few_come_in_turn():
    orders = collections.Counter(
        tuple(draw_texts("a\nb\nc\nd", False, 3, PLAIN, 1, i))
        for i in range(3000)
    )
    # Every ordered choice of three different lines is as likely: 125 +- 11.
    assert len(orders) == 24 and all(len({*order}) == 3 for order in orders)
    assert min(orders.values()) > 80 and max(orders.values()) < 175
    first, second, third = draw_texts("x\ny", False, 3, PLAIN, 0)
    assert {first, second} == {"x", "y"} and third == first
    assert draw_texts("only", False, 2, PLAIN, 0) == ["only", "only"]


def test_class_names_go_into_templates_of_their_own():
    templates = ("{}", "a photo of {}", "{} (drawing)", "{0} a {}!")
    drawn = [draw_texts("dog\ncat", True, 2, templates, i) for i in range(3000)]
    for name in ("dog", "cat"):
        texts = [text for pair in drawn for text in pair if name in text]
        counts = collections.Counter(texts)
        # 750 +- 24 each.
        assert counts.keys() == {t.replace("{}", name) for t in templates}
        assert min(counts.values()) > 630
    pairs = {(one.split()[-1], two.split()[-1]) for one, two in drawn}
    assert len(pairs) > 6
    assert draw_texts("a {} of \\1", True, 1, ("{}",), 0) == ["a {} of \\1"]
    assert draw_texts("dog", False, 1, templates, 3) == ["dog"]
