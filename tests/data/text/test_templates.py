"""Prompt templates: named and checked."""

import pytest

from uniclip_keras.data.text import PROMPTS
from uniclip_keras.data.text import prompt_templates
from uniclip_keras.errors import InputError


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
