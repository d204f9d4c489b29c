"""Prompt templates: named, checked and filled."""

import numpy as np
import pytest
import tensorflow as tf

from uniclip_keras.data.text import PROMPTS
from uniclip_keras.data.text import prompt_templates
from uniclip_keras.data.text.templates import fill_templates
from uniclip_keras.errors import InputError


def test_fill_templates_is_even_stateless_and_the_same_in_map():
    texts = tf.constant(["dog", "a {} of \\1"] * 2000)
    is_name = tf.constant([True] * 3000 + [False] * 1000)
    templates = ("{}", "a photo of {}", "{} (drawing)", "{0} a {}!")

    def fill(texts, is_name, seed=(1, 2)):
        return fill_templates(texts, is_name, templates, seed)

    filled = fill(texts, is_name).numpy()
    np.testing.assert_array_equal(filled[3000:], texts[3000:])
    # The slow way, from which template it must have been.
    for name, row in ((b"dog", 0), (b"a {} of \\1", 1)):
        expected = [t.encode().replace(b"{}", name) for t in templates]
        found, counts = np.unique(filled[row:3000:2], return_counts=True)
        assert set(found) == set(expected)
        assert counts.min() > 310
    (mapped,) = tf.data.Dataset.from_tensors((texts, is_name)).map(fill)
    np.testing.assert_array_equal(filled, mapped)
    assert (fill(texts, is_name, [1, 3]).numpy() != filled).any()


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ([], "prompt templates is empty"),
        (["{}", "{} {}"], "prompt template '{} {}' .* exactly one"),
        (["a photo"], "prompt template 'a photo' .* exactly one"),
        ([3], "prompt template 3 .* exactly one"),
        ("{}", "no prompts '{}'; choose from plain"),
        ("photos", "'photos'; did you mean 'photo'"),
    ],
)
def test_bad_templates_are_named(templates, message):
    with pytest.raises(InputError, match=message):
        prompt_templates(templates)


def test_named_and_listed_templates():
    for name in PROMPTS:
        templates = prompt_templates(name)
        assert len(set(templates)) == len(templates)
        assert all(template.count("{}") == 1 for template in templates)
    assert prompt_templates(["{}", "a {}"]) == ("{}", "a {}")


def test_each_of_several_names_has_a_template_of_its_own():
    texts = tf.constant([["dog", "hound"], ["a caption", "another"]] * 50)
    is_name = tf.constant([[True], [False]] * 50)
    filled = fill_templates(texts, is_name, ("{}", "a {}"), [0, 1]).numpy()
    assert (filled[1::2] == texts.numpy()[1::2]).all()
    pairs = {tuple(row) for row in filled[::2].tolist()}
    assert len(pairs) == 4 and (b"a dog", b"hound") in pairs
